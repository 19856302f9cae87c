// How much of the common log a tenant may write: an account that is paid back at a fixed rate. Who is over it is not
// read for a while: the lines wait in the pipe of the worker, which drops and counts what does not fit there. So a
// flood costs the supervisor neither time nor space, and the neighbours' lines get through. Pure arithmetic on the
// times it is told.
#pragma once
#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace sluice::supervisor {

class LogBudget {
 public:
  /// A quarter of a second's worth may come at once.
  static constexpr Nanos kBurst = Millis(250);

  /// 0: no limit.
  void set_rate(std::uint64_t bytes_per_second) { rate_ = bytes_per_second; }

  void spend(std::uint64_t bytes, Nanos now) {
    if (rate_ == 0) return;
    constexpr double kSecond = 1e9;
    const double cost = static_cast<double>(bytes) * kSecond / static_cast<double>(rate_);
    paid_ = std::max(paid_, now) + Nanos(static_cast<std::int64_t>(cost));
  }
  /// How long to wait before more is read; 0 when there is room.
  [[nodiscard]] Nanos wait(Nanos now) const { return rate_ == 0 ? Nanos(0) : std::max(Nanos(0), paid_ - now - kBurst); }

 private:
  std::uint64_t rate_ = 0;
  Nanos paid_{0};  // when all that was spent will have been paid back
};

}  // namespace sluice::supervisor
