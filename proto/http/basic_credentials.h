// Basic credentials (RFC 7617): user and password out of Authorization or Proxy-Authorization.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::http {

/// Owns the decoded bytes. A resource: what user() and password() return lives in it.
class BasicCredentials {
 public:
  /// Longest "user:password".
  static constexpr std::size_t kMost = 512;

  BasicCredentials() = default;
  BasicCredentials(BasicCredentials&&) = delete;

  /// False when the value is not "Basic" and correct base64 of "user:password" without control bytes (RFC 7617
  /// section 2), or is too long.
  [[nodiscard]] bool parse(std::string_view value);
  [[nodiscard]] std::string_view user() const { return {bytes_.data(), colon_}; }
  [[nodiscard]] std::string_view password() const { return {bytes_.data() + colon_ + 1, size_ - colon_ - 1}; }

 private:
  std::array<char, kMost> bytes_{};
  std::size_t size_ = 1;
  std::size_t colon_ = 0;
};

}  // namespace sluice::http
