// Parsing of authorities and absolute URIs.
#include "proto/http/authority.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "proto/http/ascii.h"

namespace sluice::http {
namespace {
std::optional<std::uint16_t> parse_port(std::string_view digits) {
  if (digits.empty() || digits.size() > 5) return std::nullopt;
  std::uint32_t port = 0;
  for (const char c : digits) {
    if (!is_digit(c)) return std::nullopt;
    port = port * 10 + static_cast<std::uint32_t>(c - '0');
  }
  if (port == 0 || port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

template <std::size_t Size>
bool is_address(int family, std::string_view text) {
  std::array<char, 64> terminated{};
  std::array<std::uint8_t, Size> address{};
  if (text.size() >= terminated.size()) return false;
  // inet_pton(3) reads up to the first NUL, so a NUL and what is behind it would go unseen
  if (text.find('\0') != std::string_view::npos) return false;
  std::ranges::copy(text, terminated.begin());
  return inet_pton(family, terminated.data(), address.data()) == 1;
}

// A last label that begins with a digit is a number to the URL standard and to inet_aton(3): 127.1, 0x7f.1,
// 017700000001. Such a host must be a dotted quad to the letter, or it is not a host.
bool ends_in_number(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  const std::size_t dot = host.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? host : host.substr(dot + 1);
  if (last.empty()) return false;
  if (std::ranges::all_of(last, is_digit)) return true;
  return last.size() > 2 && last[0] == '0' && (last[1] == 'x' || last[1] == 'X') &&
         last.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos;
}
}  // namespace

Parsed<Authority> parse_authority(std::string_view text) {
  Authority authority{.text = text};
  std::string_view after;
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return fault(Fault::kBadAuthority);
    authority.host = text.substr(1, close - 1);
    authority.kind = HostKind::kIpv6;
    if (!is_address<16>(AF_INET6, authority.host)) return fault(Fault::kBadAuthority);
    after = text.substr(close + 1);
  } else {
    std::size_t end = 0;
    while (end < text.size() && is_host_byte(text[end])) ++end;
    authority.host = text.substr(0, end);
    after = text.substr(end);
    if (text.find('@') != std::string_view::npos) return fault(Fault::kUserInfo);
    if (authority.host.empty() || authority.host.size() > 255 || authority.host.front() == '.')
      return fault(Fault::kBadAuthority);
    if (ends_in_number(authority.host)) {
      if (!is_address<4>(AF_INET, authority.host)) return fault(Fault::kBadAuthority);
      authority.kind = HostKind::kIpv4;
    }
  }
  if (after.empty()) return authority;
  if (after.front() != ':') return fault(Fault::kBadAuthority);
  authority.port = parse_port(after.substr(1));
  if (!authority.port) return fault(Fault::kBadAuthority);
  return authority;
}

Parsed<AbsoluteUri> parse_absolute(std::string_view uri) {
  const std::size_t colon = uri.find("://");
  if (colon == std::string_view::npos) return fault(Fault::kBadTarget);
  AbsoluteUri parsed{.scheme = uri.substr(0, colon)};
  if (default_port(parsed.scheme) == 0) return fault(Fault::kUnknownScheme);
  const std::string_view rest = uri.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  Parsed<Authority> authority = parse_authority(rest.substr(0, end));
  if (!authority) return fault(authority.error());
  parsed.authority = *authority;
  parsed.path_and_query = rest.substr(end);
  return parsed;
}

std::uint16_t default_port(std::string_view scheme) {
  if (equal_ignore_case(scheme, "http")) return 80;
  if (equal_ignore_case(scheme, "https")) return 443;
  return 0;
}

}  // namespace sluice::http
