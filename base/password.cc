// See password.h.
#include "base/password.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace sluice {
namespace {
constexpr std::string_view kScheme = "pbkdf2-sha256";
constexpr std::size_t kLeastSalt = 8;
constexpr std::size_t kMostSalt = 64;

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> from_hex(std::string_view text) {
  std::string bytes;
  if (text.size() % 2 != 0) return std::nullopt;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::string_view cut(std::string_view& rest) {
  const std::size_t at = rest.find(':');
  const std::string_view part = rest.substr(0, at);
  rest = at == rest.npos ? std::string_view() : rest.substr(at + 1);
  return part;
}

template <class Bytes>
void append_hex(std::string& out, const Bytes& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const auto byte : bytes) {
    const auto value = static_cast<std::uint8_t>(byte);
    out += kDigits[value >> 4U];
    out += kDigits[value & 15U];
  }
}
}  // namespace

Result<PasswordEntry> PasswordEntry::parse(std::string_view text) {
  std::string_view rest = text;
  if (cut(rest) != kScheme) return fail(Code::kBadSyntax, "does not begin with \"pbkdf2-sha256:\"");
  const std::string_view count = cut(rest);
  std::uint32_t iterations = 0;
  const auto parsed = std::from_chars(count.data(), count.data() + count.size(), iterations);
  if (parsed.ec != std::errc() || parsed.ptr != count.data() + count.size() || iterations == 0 ||
      iterations > kMostIterations)
    return fail(Code::kBadSyntax, "has a number of iterations that is not between 1 and 4096");
  std::optional<std::string> salt = from_hex(cut(rest));
  if (!salt || salt->size() < kLeastSalt || salt->size() > kMostSalt)
    return fail(Code::kBadSyntax, "has a salt that is not 8 to 64 bytes in hexadecimal digits");
  const std::optional<std::string> hash = from_hex(rest);
  PasswordEntry entry(*std::move(salt), iterations);
  if (!hash || hash->size() != entry.hash_.size())
    return fail(Code::kBadSyntax, "has a hash that is not 32 bytes in hexadecimal digits");
  std::ranges::transform(*hash, entry.hash_.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
  return entry;
}

PasswordEntry PasswordEntry::make(std::string_view password, std::string salt, std::uint32_t iterations) {
  PasswordEntry entry(std::move(salt), iterations);
  entry.hash_ = pbkdf2_sha256(password, entry.salt_, iterations);
  return entry;
}

bool PasswordEntry::verify(std::string_view password) const {
  return equal_in_constant_time(pbkdf2_sha256(password, salt_, iterations_), hash_);
}

Sha256Digest PasswordEntry::shortcut(std::string_view password) const {
  return hmac_sha256(salt_, password);
}

std::string PasswordEntry::text() const {
  std::string text(kScheme);
  ((text += ':') += std::to_string(iterations_)) += ':';
  append_hex(text, salt_);
  append_hex(text += ':', hash_);
  return text;
}

}  // namespace sluice
