// How long leaving may take, as values that supervisor and worker reckon alike.
//
// Budgets count from the moment the order was given, one for each kind of work. A worker cuts what is still open when
// its budget is spent; the supervisor gives the worker a little longer than the longest to say goodbye and then kills
// it. A budget of zero means: cut at once.
#pragma once
#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace sluice::restart {

struct DrainBudgets {
  Millis idle{0};     ///< a connection between two requests, from when it became idle
  Millis request{0};  ///< a request, its response, their last bytes
  Millis upload{0};   ///< a request whose body is still coming
  Millis tunnel{0};
  Millis flow{0};                    ///< a flow of datagrams
  std::uint16_t spread_percent = 0;  ///< each connection's budget is shortened by a part of its own, up to this one

  [[nodiscard]] Millis longest() const { return std::max({idle, request, upload, tunnel, flow}); }
  /// No budget longer than `most`.
  [[nodiscard]] DrainBudgets capped(Millis most) const {
    return {.idle = std::min(idle, most),
            .request = std::min(request, most),
            .upload = std::min(upload, most),
            .tunnel = std::min(tunnel, most),
            .flow = std::min(flow, most),
            .spread_percent = spread_percent};
  }
  /// Everything may take as long as `total`.
  [[nodiscard]] static DrainBudgets all(Millis total) {
    return {.idle = total, .request = total, .upload = total, .tunnel = total, .flow = total};
  }
  /// The budget of one connection, so that not all clients come back in the same moment. `id` is any number of its own.
  [[nodiscard]] Millis spread(Millis budget, std::uint64_t id) const {
    constexpr std::uint64_t kSteps = 1024;
    const std::uint64_t part = ((id * 0x9E37'79B9'7F4A'7C15ULL) >> 32U) % kSteps;  // Fibonacci hashing: ids are dense
    return budget - Millis(budget.count() * static_cast<std::int64_t>(part * spread_percent) /
                           static_cast<std::int64_t>(100 * kSteps));
  }
};

/// An order to leave.
class DrainOrder {
 public:
  /// Between the end of the longest budget and SIGKILL.
  static constexpr Millis kGrace{1000};

  DrainOrder(Nanos ordered_at, const DrainBudgets& budgets) : ordered_at_(ordered_at), budgets_(budgets) {}

  /// Nothing may be open any more.
  [[nodiscard]] Deadline cut() const { return Deadline(ordered_at_ + budgets_.longest()); }
  /// Who is still there now is killed.
  [[nodiscard]] Deadline kill() const { return Deadline(ordered_at_ + budgets_.longest() + kGrace); }
  [[nodiscard]] Nanos ordered_at() const { return ordered_at_; }
  [[nodiscard]] const DrainBudgets& budgets() const { return budgets_; }
  /// What is left of the budgets at `now`, to be said to a worker that hears of it only now.
  [[nodiscard]] DrainBudgets left(Nanos now) const {
    const Millis spent = std::chrono::floor<Millis>(now - ordered_at_);
    const auto rest = [&](Millis budget) { return std::max(Millis(0), budget - spent); };
    return {.idle = rest(budgets_.idle),
            .request = rest(budgets_.request),
            .upload = rest(budgets_.upload),
            .tunnel = rest(budgets_.tunnel),
            .flow = rest(budgets_.flow),
            .spread_percent = budgets_.spread_percent};
  }

 private:
  Nanos ordered_at_;
  DrainBudgets budgets_;
};

}  // namespace sluice::restart
