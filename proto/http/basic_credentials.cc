// See basic_credentials.h.
#include "proto/http/basic_credentials.h"

#include <algorithm>

#include "proto/http/ascii.h"

namespace sluice::http {
namespace {
constexpr std::uint8_t kNoDigit = 64;

consteval std::array<std::uint8_t, 256> make_digits() {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    digits[static_cast<std::uint8_t>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  return digits;
}
constexpr std::array<std::uint8_t, 256> kDigits = make_digits();
}  // namespace

bool BasicCredentials::parse(std::string_view value) {
  constexpr std::string_view kScheme = "Basic";
  colon_ = 0;
  size_ = 1;
  if (!equal_ignore_case(value.substr(0, kScheme.size()), kScheme)) return false;
  value.remove_prefix(kScheme.size());
  if (!value.starts_with(' ')) return false;
  while (value.starts_with(' ')) value.remove_prefix(1);
  // padding is required, as many as there must be (RFC 4648 section 3.2)
  if (value.empty() || value.size() % 4 != 0) return false;
  const std::size_t padding = value.ends_with("==") ? 2 : value.ends_with('=') ? 1 : 0;
  const std::size_t size = value.size() / 4 * 3 - padding;
  if (size > kMost) return false;
  std::size_t out = 0;
  for (std::size_t i = 0; i < value.size(); i += 4) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const bool pad = i + j >= value.size() - padding;
      const std::uint8_t digit = pad ? std::uint8_t{0} : kDigits[static_cast<std::uint8_t>(value[i + j])];
      if (digit == kNoDigit) return false;
      group = group << 6U | digit;
    }
    for (std::size_t j = 0; j < 3; ++j) {
      const char byte = static_cast<char>(group >> (16 - 8 * j));
      if (out < size) {
        bytes_[out++] = byte;
      } else if (byte != 0) {
        return false;  // bits that belong to nothing: the same password written in two ways
      }
    }
  }
  const std::string_view text(bytes_.data(), size);
  const auto is_control = [](char c) { return static_cast<std::uint8_t>(c) < 0x20 || c == 0x7f; };
  const std::size_t colon = text.find(':');
  if (colon == text.npos || std::ranges::any_of(text, is_control)) return false;
  size_ = size;
  colon_ = colon;
  return true;
}

}  // namespace sluice::http
