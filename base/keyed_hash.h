// What hash tables whose keys come from the network are made of: a secret, so that nobody can choose keys that meet in
// one bucket, and a mixing step that is one multiplication.
#pragma once
#include <cstdint>
#include <random>

namespace sluice {

/// For the first argument of fold() or the second: odd, and no pattern in its bits.
inline constexpr std::uint64_t kHashOdd = 0x9e37'79b9'7f4a'7c15;

/// To be read once, before the sandbox is entered.
[[nodiscard]] inline std::uint64_t random_secret() {
  std::random_device device;
  return std::uint64_t{device()} << 32U | device();
}

/// Both halves of the product of 128 bits in one word.
[[nodiscard]] inline std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  const __uint128_t product = static_cast<__uint128_t>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

}  // namespace sluice
