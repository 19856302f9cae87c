// Methods, versions and statuses, and what RFC 9110 says of each.
//
// A method that is not in the list is kOther and travels by its text: proxies forward methods they do not know (RFC
// 9110 section 16.1.1).
#pragma once
#include <cstdint>
#include <string_view>

namespace sluice::http {

enum class Method : std::uint8_t { kOther, kGet, kHead, kPost, kPut, kDelete, kConnect, kOptions, kTrace, kPatch };

/// Methods are case-sensitive: "get" is kOther.
[[nodiscard]] Method method_of(std::string_view text);
/// "GET"; empty for kOther.
[[nodiscard]] std::string_view name(Method method);

/// RFC 9110 section 9.2.1: asking changes nothing at the origin.
[[nodiscard]] constexpr bool is_safe(Method method) {
  return method == Method::kGet || method == Method::kHead || method == Method::kOptions || method == Method::kTrace;
}
/// RFC 9110 section 9.2.2: asking twice is asking once, so a request may be repeated on another connection.
[[nodiscard]] constexpr bool is_idempotent(Method method) {
  return is_safe(method) || method == Method::kPut || method == Method::kDelete;
}

enum class Version : std::uint8_t { kHttp10, kHttp11, kHttp2, kHttp3 };
/// "HTTP/1.1", for logs.
[[nodiscard]] std::string_view name(Version version);

[[nodiscard]] constexpr bool is_informational(std::uint16_t status) {
  return status >= 100 && status < 200;
}
[[nodiscard]] constexpr bool is_successful(std::uint16_t status) {
  return status >= 200 && status < 300;
}
/// 1xx, 204 and 304 have no body whatever their fields say (RFC 9110 section 6.4.1).
[[nodiscard]] constexpr bool has_no_body(std::uint16_t status) {
  return is_informational(status) || status == 204 || status == 304;
}
/// The usual phrase, "Not Found"; empty for a status without one.
[[nodiscard]] std::string_view reason_phrase(std::uint16_t status);

}  // namespace sluice::http
