// Authorities and absolute URIs: what is accepted is put together again from its parts, and has no byte that a head
// must not have.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "proto/http/ascii.h"
#include "proto/http/authority.h"

namespace {
using namespace sluice;

void check_authority(std::string_view text) {
  const http::Parsed<http::Authority> parsed = http::parse_authority(text);
  if (!parsed) return;
  SLUICE_CHECK(parsed->text == text && !parsed->host.empty(), "an authority without a host");
  const bool ipv6 = parsed->kind == http::HostKind::kIpv6;
  const std::string host = ipv6 ? "[" + std::string(parsed->host) + "]" : std::string(parsed->host);
  SLUICE_CHECK(text.starts_with(host), "the host is not where the text begins");
  SLUICE_CHECK(parsed->port.has_value() == (text.size() > host.size()),
               "a port out of nothing, or bytes behind the host");
  if (parsed->port) {
    std::string_view digits = text.substr(host.size() + 1);
    while (digits.starts_with('0')) digits.remove_prefix(1);
    SLUICE_CHECK(digits == std::to_string(*parsed->port), "the port is not what the text says");
  }
  SLUICE_CHECK(std::ranges::all_of(text, http::is_target_byte), "a byte that a head must not have");
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_authority(text);
  if (const http::Parsed<http::AbsoluteUri> uri = http::parse_absolute(text)) {
    check_authority(uri->authority.text);
    SLUICE_CHECK(
        std::string(uri->scheme) + "://" + std::string(uri->authority.text) + std::string(uri->path_and_query) == text,
        "the parts do not make the whole");
  }
  return 0;
}
