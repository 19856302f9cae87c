// The character classes of RFC 9110 section 5.6 and the few string operations that go with them.
//
// One table of 256 bytes answers "may this byte stand in a token, a value, a request target"; everything here is
// constexpr, allocates nothing and knows no locale. std::isalpha and friends must not be used on protocol bytes.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ascii.h"

namespace sluice::http {

namespace ascii_detail {
inline constexpr std::uint8_t kToken = 1;   ///< tchar, RFC 9110 section 5.6.2
inline constexpr std::uint8_t kTarget = 2;  ///< printable US-ASCII but '#': what we let pass in a request target
inline constexpr std::uint8_t kHost = 4;    ///< a reg-name byte, RFC 3986 section 3.2.2, without percent-encoding

consteval std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  const auto mark = [&classes](std::string_view bytes, std::uint8_t kind) {
    for (const char c : bytes) classes[static_cast<std::uint8_t>(c)] |= kind;
  };
  constexpr std::string_view kAlphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  mark(kAlphanumeric, kToken | kHost);
  mark("!#$%&'*+-.^_`|~", kToken);
  // RFC 3986 also allows sub-delims (!$&'()*+,;=) and %XX; no host that resolves needs them, and each is a way to make
  // two parsers disagree about where a host ends.
  mark("-._~", kHost);
  for (int c = 0x21; c < 0x7f; ++c)
    if (c != '#') classes[static_cast<std::size_t>(c)] |= kTarget;
  return classes;
}
inline constexpr std::array<std::uint8_t, 256> kClasses = make_classes();
}  // namespace ascii_detail

[[nodiscard]] constexpr bool is_token_byte(char c) {
  return (ascii_detail::kClasses[static_cast<std::uint8_t>(c)] & ascii_detail::kToken) != 0;
}
[[nodiscard]] constexpr bool is_target_byte(char c) {
  return (ascii_detail::kClasses[static_cast<std::uint8_t>(c)] & ascii_detail::kTarget) != 0;
}
[[nodiscard]] constexpr bool is_host_byte(char c) {
  return (ascii_detail::kClasses[static_cast<std::uint8_t>(c)] & ascii_detail::kHost) != 0;
}
[[nodiscard]] constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

/// True for a control byte that no field value, reason phrase or comment may hold: all below 0x20 but HTAB, and DEL.
[[nodiscard]] constexpr bool is_forbidden_control(char c) {
  const auto byte = static_cast<std::uint8_t>(c);
  return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

using sluice::equal_ignore_case;
using sluice::to_lower;

/// Without the spaces and tabs at either end (OWS, RFC 9110 section 5.6.3).
[[nodiscard]] constexpr std::string_view trim(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

[[nodiscard]] constexpr bool is_token(std::string_view text) {
  for (const char c : text)
    if (!is_token_byte(c)) return false;
  return !text.empty();
}

/// A field value as RFC 9110 section 5.5 wants it: no control bytes, nothing blank at either end. Bytes from 0x80 up
/// pass.
[[nodiscard]] constexpr bool is_field_value(std::string_view text) {
  bool bad = false;
  for (const char c : text) bad |= is_forbidden_control(c);
  return !bad && (text.empty() || (!is_blank(text.front()) && !is_blank(text.back())));
}

}  // namespace sluice::http
