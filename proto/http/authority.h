// Authority: host[:port], as it stands in Host, in an absolute target and in the target of CONNECT.
//
// We take less than RFC 3986 allows: no user information, no percent-encoding, no sub-delims in a host. No name that
// resolves needs them, and each is a way for two parsers to disagree about where a request goes. Views, no ownership,
// no normalising: hosts are compared with equal_ignore_case.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/http/fault.h"

namespace sluice::http {

enum class HostKind : std::uint8_t { kName, kIpv4, kIpv6 };

struct Authority {
  std::string_view text;  ///< all of it, as received
  std::string_view host;  ///< without the brackets of an IPv6 literal
  std::optional<std::uint16_t> port;
  HostKind kind = HostKind::kName;
};

/// Errors: kUserInfo, kBadAuthority (empty host, byte that no host has, not an IPv6 address in brackets, port 0 or
/// above 65535, empty port). A host that is all digits and dots must be a whole dotted quad: 127.1 and 0x7f000001 are
/// addresses to some resolvers and names to others.
[[nodiscard]] Parsed<Authority> parse_authority(std::string_view text);

/// An absolute-form target (RFC 9112 section 3.2.2), http and https only.
struct AbsoluteUri {
  std::string_view scheme;  ///< as received; compare with equal_ignore_case
  Authority authority;
  std::string_view path_and_query;  ///< as received; empty when the URI ends after the authority, "?q" without a path
};
/// Errors: kUnknownScheme, kBadTarget, and those of parse_authority().
[[nodiscard]] Parsed<AbsoluteUri> parse_absolute(std::string_view uri);

/// 80 for http, 443 for https, 0 for anything else.
[[nodiscard]] std::uint16_t default_port(std::string_view scheme);

}  // namespace sluice::http
