// Time as the loop sees it: steady, in nanoseconds since boot. A Deadline is a point on that clock; "never" is one too,
// so that nothing needs an optional. Durations in interfaces are std::chrono::milliseconds unless said otherwise.
#pragma once
#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>

namespace sluice {

using Millis = std::chrono::milliseconds;
using Nanos = std::chrono::nanoseconds;

class Deadline {
 public:
  /// Never.
  constexpr Deadline() = default;
  constexpr explicit Deadline(Nanos since_boot) : at_(since_boot.count()) {}
  [[nodiscard]] static constexpr Deadline never() { return {}; }

  [[nodiscard]] constexpr bool is_never() const { return at_ == std::numeric_limits<std::int64_t>::max(); }
  [[nodiscard]] constexpr Nanos since_boot() const { return Nanos(at_); }
  friend constexpr auto operator<=>(Deadline, Deadline) = default;

 private:
  std::int64_t at_ = std::numeric_limits<std::int64_t>::max();
};

/// Reads the steady clock now (a vDSO call); inside the loop prefer Loop::now().
[[nodiscard]] Nanos steady_now();
/// Wall clock, for logs and certificates only.
[[nodiscard]] std::chrono::system_clock::time_point wall_now();

}  // namespace sluice
