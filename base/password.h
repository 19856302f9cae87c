// PasswordEntry: a password as it stands in the configuration, "pbkdf2-sha256:ITERATIONS:SALT:HASH" with salt and hash
// in hexadecimal digits. `sluicectl password` makes one; so does any program that has PBKDF2 (RFC 8018).
//
// The number of iterations is small by the measure of logins, because a proxy asks for the password with every request
// and a worker has one thread: 256 iterations are some tenth of a millisecond for whoever guesses. Passwords for
// proxies should be long and random; then nobody guesses them.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/sha256.h"

namespace sluice {

class PasswordEntry {
 public:
  static constexpr std::uint32_t kUsualIterations = 256;
  static constexpr std::uint32_t kMostIterations = 4096;

  /// Errors: kBadSyntax, without the text.
  [[nodiscard]] static Result<PasswordEntry> parse(std::string_view text);
  /// `salt` are random bytes, at least 8.
  [[nodiscard]] static PasswordEntry make(std::string_view password, std::string salt, std::uint32_t iterations);

  /// Takes as long for a wrong password as for the right one.
  [[nodiscard]] bool verify(std::string_view password) const;
  [[nodiscard]] std::string text() const;
  /// A digest of password and salt that is cheap to make, to know a password again that has been verified.
  [[nodiscard]] Sha256Digest shortcut(std::string_view password) const;

 private:
  PasswordEntry(std::string salt, std::uint32_t iterations) : salt_(std::move(salt)), iterations_(iterations) {}

  std::string salt_;
  std::uint32_t iterations_;
  Sha256Digest hash_{};
};

}  // namespace sluice
