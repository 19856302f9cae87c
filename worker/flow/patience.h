// Patience: how long to wait for a peer that ought to send or to take bytes. Two limits: no pause longer than
// `progress`, and over all waits no fewer than `min_rate` bytes a second, so that a peer that moves a byte now and then
// cannot hold a connection for ever. The rate is asked for once a whole `progress` has been waited.
//
// Only time spent waiting for this peer counts: while it is the other side that is slow, nobody waits here.
#pragma once
#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace sluice::worker {

struct Pace {
  Millis progress{0};          ///< longest pause
  std::uint64_t min_rate = 0;  ///< bytes a second; 0: any
};

class Patience {
 public:
  Patience() = default;
  explicit Patience(Pace pace) : pace_(pace) {}

  /// Until when the wait that begins now may last.
  [[nodiscard]] Deadline deadline(Nanos now) const {
    Nanos wait = pace_.progress;
    if (pace_.min_rate != 0) wait = std::min(wait, std::max(Nanos(0), earned() - waited_));
    return Deadline(now + wait);
  }
  /// A wait of `time` brought `bytes`.
  void waited(Nanos time, std::uint64_t bytes) {
    if (pace_.min_rate == 0) return;
    waited_ += time;
    moved_ += bytes;
  }

 private:
  [[nodiscard]] Nanos earned() const {
    constexpr std::uint64_t kMostSeconds = std::uint64_t{1} << 32;  // more than any connection lasts
    const std::uint64_t seconds = std::min(moved_ / pace_.min_rate, kMostSeconds);
    const std::uint64_t rest = seconds == kMostSeconds ? 0 : moved_ % pace_.min_rate;
    return pace_.progress + std::chrono::seconds(seconds) + Millis(rest * 1000 / pace_.min_rate);
  }

  Pace pace_;
  Nanos waited_{0};
  std::uint64_t moved_ = 0;
};

}  // namespace sluice::worker
