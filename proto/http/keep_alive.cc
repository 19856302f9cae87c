// See keep_alive.h.
#include "proto/http/keep_alive.h"

#include <charconv>

#include "proto/http/ascii.h"

namespace sluice::http {
namespace {

std::optional<std::uint32_t> number_of(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

KeepAliveHint keep_alive_hint(const Fields& fields) {
  KeepAliveHint hint;
  for (const std::string_view member : fields.members(FieldId::kKeepAlive)) {
    const std::size_t equals = member.find('=');
    if (equals == std::string_view::npos) continue;
    const std::string_view name = member.substr(0, equals);
    const std::optional<std::uint32_t> value = number_of(member.substr(equals + 1));
    if (equal_ignore_case(name, "timeout")) hint.timeout_seconds = value;
    if (equal_ignore_case(name, "max")) hint.most_requests = value;
  }
  return hint;
}

}  // namespace sluice::http
