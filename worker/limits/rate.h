// Rate and Bucket: so many events a second, with a burst. A token bucket in eight bytes (the "virtual scheduling" form
// of GCRA, ITU-T I.371): instead of tokens and a time of refill, the time at which the bucket would be full again.
#pragma once
#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace sluice::worker {

/// A default-made rate has no limit.
class Rate {
 public:
  Rate() = default;
  /// 0 per second: no limit. A burst of 0: a second's worth.
  Rate(std::uint32_t per_second, std::uint32_t burst) {
    if (per_second == 0) return;
    interval_ = Nanos(std::chrono::seconds(1)) / per_second;
    tolerance_ = interval_ * (std::max<std::uint32_t>(burst == 0 ? per_second : burst, 1) - 1);
  }
  [[nodiscard]] bool limited() const { return interval_ != Nanos(0); }

 private:
  friend class Bucket;
  Nanos interval_{0};
  Nanos tolerance_{0};
};

class Bucket {
 public:
  /// Takes one token, if there is one: zero. Otherwise takes none and says how long until there is one.
  [[nodiscard]] Nanos take(const Rate& rate, Nanos now) {
    const Nanos due = full_at_ - rate.tolerance_;
    if (due > now) return due - now;
    full_at_ = std::max(full_at_, now) + rate.interval_;
    return Nanos(0);
  }
  /// Full: no different from one that was never used.
  [[nodiscard]] bool full(Nanos now) const { return full_at_ <= now; }

 private:
  Nanos full_at_{0};
};

}  // namespace sluice::worker
