// Flood: the ways in which an HTTP/2 client makes a server work for nothing, and how much of each we put up with.
//
// Each way has a budget: so many at once, and so many a second for ever. An honest client stays far below; one that
// passes a budget is sent GOAWAY with ENHANCE_YOUR_CALM. What is bounded here is work; memory is bounded by the
// windows, the head limits and the number of streams. Values; time comes from the caller.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/time.h"

namespace sluice::http2 {

enum class Flood : std::uint8_t {
  kResets,         ///< the client opens streams and resets them (CVE-2023-44487)
  kErrors,         ///< it makes us reset its streams (CVE-2025-8671), or is refused
  kContinuations,  ///< one block of fields in many frames, or in frames that never end it
  kFields,         ///< a block of fields that is small on the wire and large when it is unpacked
  kSettings,
  kPings,
  kPriorities,   ///< PRIORITY and PRIORITY_UPDATE
  kEmptyFrames,  ///< frames that carry nothing and end nothing
  kWindows,      ///< WINDOW_UPDATE without data to need it
  kUnknown,      ///< frames of types that nobody knows
};
inline constexpr std::size_t kFloods = static_cast<std::size_t>(Flood::kUnknown) + 1;
/// Metric label and log value, stable.
[[nodiscard]] std::string_view name(Flood flood);

struct FloodLimit {
  std::uint32_t burst;       ///< so many at once
  std::uint32_t per_second;  ///< and so many a second
};
[[nodiscard]] FloodLimit limit_of(Flood flood);

/// The budgets of one connection.
class FloodGuard {
 public:
  explicit FloodGuard(Nanos now) : since_(now) {}
  /// One more of it. False: that is one too many.
  [[nodiscard]] bool allows(Flood flood, Nanos now);
  /// Work that was worth it pays for one more of what goes with it.
  void earn(Flood flood) {
    std::uint32_t& spent = spent_[static_cast<std::size_t>(flood)];
    if (spent != 0) --spent;
  }

 private:
  void refill(Nanos now);
  std::array<std::uint32_t, kFloods> spent_{};
  Nanos since_;  // the last refill
};

}  // namespace sluice::http2
