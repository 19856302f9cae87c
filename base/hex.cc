// See hex.h.
#include "base/hex.h"

#include <charconv>

namespace sluice {

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    out += kDigits[value >> 4U];
    out += kDigits[value & 0xfU];
  }
  return out;
}

Result<std::string> from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    unsigned char value = 0;
    const char* const end = hex.data() + at + 2;
    if (std::from_chars(hex.data() + at, end, value, 16).ptr != end) break;
    out += static_cast<char>(value);
  }
  if (out.size() * 2 != hex.size()) return fail(Code::kBadSyntax, "text that is not hexadecimal");
  return out;
}

}  // namespace sluice
