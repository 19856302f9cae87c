// RetryBudget: how much may be tried again, so that retries cannot multiply the load on an upstream that is failing.
//
// A bucket of tokens: every request puts a part of one in, time does too (the minimum that is always allowed), every
// retry takes one out. It holds ten seconds of the minimum and what a thousand requests bring.
#pragma once
#include <algorithm>
#include <cstdint>

#include "base/time.h"
#include "ipc/settings/health.h"

namespace sluice::worker {

class RetryBudget {
 public:
  explicit RetryBudget(const ipc::RetrySettings& settings)
      : ratio_(static_cast<std::int64_t>(settings.budget * kToken)),
        per_second_(std::int64_t{settings.min_per_second} * kToken),
        most_(ratio_ * kRequests + per_second_ * kSeconds),
        tokens_(per_second_ * kSeconds) {}

  /// A request came.
  void earn() { tokens_ = std::min(tokens_ + ratio_, most_); }
  /// False: too much has been tried again.
  [[nodiscard]] bool spend(Nanos now) {
    if (per_second_ != 0) {
      const std::int64_t passed = std::min((now - filled_) / std::chrono::milliseconds(1), kSeconds * 1000);
      tokens_ = std::min(tokens_ + passed * per_second_ / 1000, most_);
      filled_ = now;
    }
    if (tokens_ < kToken) return false;
    tokens_ -= kToken;
    return true;
  }

 private:
  static constexpr std::int64_t kToken = 1'000'000;
  static constexpr std::int64_t kRequests = 1000;
  static constexpr std::int64_t kSeconds = 10;

  std::int64_t ratio_;
  std::int64_t per_second_;
  std::int64_t most_;
  std::int64_t tokens_;
  Nanos filled_{0};
};

}  // namespace sluice::worker
