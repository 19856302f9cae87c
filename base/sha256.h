// SHA-256 (FIPS 180-4), HMAC (RFC 2104) and PBKDF2 (RFC 8018 section 5.2) with it, for passwords in the configuration.
// Plain C++ without tables of the processor: nothing here is on the way of bytes.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice {

using Sha256Digest = std::array<std::uint8_t, 32>;

class Sha256 {
 public:
  static constexpr std::size_t kBlock = 64;

  void add(std::string_view bytes);
  void add(std::span<const std::uint8_t> bytes);
  /// Ends it: nothing may be added afterwards.
  [[nodiscard]] Sha256Digest digest();

 private:
  void take_block(const std::uint8_t* block);

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, kBlock> block_{};
  std::size_t filled_ = 0;
  std::uint64_t total_ = 0;
};

[[nodiscard]] Sha256Digest sha256(std::string_view bytes);
[[nodiscard]] Sha256Digest hmac_sha256(std::string_view key, std::string_view message);
/// The first block of PBKDF2-HMAC-SHA-256: 32 bytes, which is all that a password needs.
[[nodiscard]] Sha256Digest pbkdf2_sha256(std::string_view password, std::string_view salt, std::uint32_t iterations);

/// Takes as long for equal digests as for others.
[[nodiscard]] bool equal_in_constant_time(const Sha256Digest& a, const Sha256Digest& b);

}  // namespace sluice
