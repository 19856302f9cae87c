// SmallRandom: random numbers for spreading load and timers. Nobody is kept from guessing them.
#pragma once
#include <cstdint>
#include <random>

namespace sluice::worker {

class SmallRandom {
 public:
  SmallRandom() : state_(std::uint64_t{std::random_device()()} << 1U | 1U) {}

  /// 0 to bound - 1. (xorshift64*)
  [[nodiscard]] std::uint32_t below(std::uint32_t bound) {
    state_ ^= state_ >> 12U;
    state_ ^= state_ << 25U;
    state_ ^= state_ >> 27U;
    const std::uint64_t bits = (state_ * 0x2545f4914f6cdd1dU) >> 32U;
    return static_cast<std::uint32_t>(bits * bound >> 32U);
  }

 private:
  std::uint64_t state_;
};

}  // namespace sluice::worker
