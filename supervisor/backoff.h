// When to start a worker again that ended by itself: at once the first time, then after a pause that doubles up to a
// limit; a worker that lived long enough starts afresh. Too many ends within a window are a crash loop: said as an
// error and retried at the longest pause, never given up, since the cause may be outside (a full disk, a name server).
// Pure arithmetic on the times it is told.
#pragma once
#include <cstdint>
#include <deque>

#include "base/time.h"

namespace sluice::supervisor {

struct BackoffPolicy {
  Millis first{100};          ///< the pause before the second restart
  Millis most{10'000};        ///< the longest pause
  std::uint32_t crashes = 5;  ///< that many ends within `window` are a crash loop
  Millis window{60'000};
};

class Backoff {
 public:
  struct Verdict {
    Millis pause{0};
    bool crash_loop = false;
  };

  explicit Backoff(BackoffPolicy policy) : policy_(policy) {}

  /// A worker that had been started at `started` ended by itself at `now`.
  [[nodiscard]] Verdict ended(Nanos started, Nanos now);
  [[nodiscard]] std::size_t recent() const { return ends_.size(); }
  [[nodiscard]] Millis next() const { return next_; }
  [[nodiscard]] const std::deque<Nanos>& ends() const { return ends_; }
  /// Goes on from there.
  void go_on(Millis next, std::deque<Nanos> ends) {
    next_ = next;
    ends_ = std::move(ends);
  }

 private:
  BackoffPolicy policy_;
  Millis next_{0};
  std::deque<Nanos> ends_;  // within the window, at most policy_.crashes of them
};

}  // namespace sluice::supervisor
