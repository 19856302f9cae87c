// How long leaving may take, as one value that supervisor and worker reckon alike.
//
// The budget counts from the moment the order was given. A worker cuts what is still open when it is spent; the
// supervisor gives the worker a little longer to say goodbye and then kills it. A budget of zero means: cut at once.
#pragma once
#include <algorithm>

#include "base/time.h"

namespace sluice::restart {

class DrainBudget {
 public:
  /// Between the end of the budget and SIGKILL.
  static constexpr Millis kGrace{1000};

  DrainBudget(Nanos ordered_at, Millis total) : cut_at_(ordered_at + std::max(total, Millis(0))) {}

  /// Open work is cut now.
  [[nodiscard]] Deadline cut() const { return Deadline(cut_at_); }
  /// Who is still there now is killed.
  [[nodiscard]] Deadline kill() const { return Deadline(cut_at_ + kGrace); }
  /// What is left at `now`, to be said to a worker that hears of it only now.
  [[nodiscard]] Millis left(Nanos now) const { return std::max(Millis(0), std::chrono::ceil<Millis>(cut_at_ - now)); }

 private:
  Nanos cut_at_;
};

}  // namespace sluice::restart
