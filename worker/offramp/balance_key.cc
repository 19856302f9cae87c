// See balance_key.h.
#include "worker/offramp/balance_key.h"

#include "worker/offramp/hash_ring.h"

namespace sluice::worker {
namespace {

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> hash_of(std::optional<std::string_view> value) {
  if (!value || value->empty()) return std::nullopt;
  return stable_hash(*value);
}

}  // namespace

std::optional<std::string_view> cookie_value(const http::Fields& fields, std::string_view name) {
  for (const http::Field field : fields) {
    if (field.id != http::FieldId::kCookie) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t end = rest.find(';');
      const std::string_view pair = trimmed(rest.substr(0, end));
      if (pair.size() > name.size() && pair[name.size()] == '=' && pair.starts_with(name))
        return pair.substr(name.size() + 1);
      rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    }
  }
  return std::nullopt;
}

std::optional<std::uint64_t> balance_key(const ipc::HashSettings& settings, const http::RequestHead& request,
                                         const SocketAddress& client) {
  switch (settings.by) {
    case ipc::HashBy::kSource: {
      if (!client.is_ip()) return std::nullopt;
      const auto bytes = client.ip().bytes();
      return stable_hash({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
    case ipc::HashBy::kHeader:
      return hash_of(request.fields().find(settings.name));
    case ipc::HashBy::kCookie:
      return hash_of(cookie_value(request.fields(), settings.name));
    case ipc::HashBy::kPath:
      return hash_of(request.path());
  }
  return std::nullopt;
}

}  // namespace sluice::worker
