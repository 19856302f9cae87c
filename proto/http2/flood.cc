// The budgets of flood.h, and why they are what they are.
#include "proto/http2/flood.h"

#include <algorithm>

namespace sluice::http2 {
namespace {

struct Row {
  Flood flood;
  std::string_view name;
  FloodLimit limit;
};
constexpr std::array<Row, kFloods> kRows = {{
    // a browser that leaves a page resets what was under way: at most all streams, now and then
    {Flood::kResets, "resets", {.burst = 500, .per_second = 50}},
    {Flood::kErrors, "errors", {.burst = 200, .per_second = 20}},
    {Flood::kContinuations, "continuations", {.burst = 100, .per_second = 20}},
    {Flood::kFields, "fields", {.burst = 20, .per_second = 2}},
    {Flood::kSettings, "settings", {.burst = 50, .per_second = 5}},
    // gRPC measures its bandwidth with a ping for each round trip
    {Flood::kPings, "pings", {.burst = 1000, .per_second = 100}},
    {Flood::kPriorities, "priorities", {.burst = 1000, .per_second = 100}},
    {Flood::kEmptyFrames, "empty_frames", {.burst = 200, .per_second = 20}},
    // those that follow our data are earned
    {Flood::kWindows, "windows", {.burst = 5000, .per_second = 1000}},
    {Flood::kUnknown, "unknown_frames", {.burst = 200, .per_second = 20}},
}};
constexpr bool rows_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (static_cast<std::size_t>(kRows[i].flood) != i) return false;
  return true;
}
static_assert(rows_in_order(), "one row per flood, in the order of the enum");

}  // namespace

std::string_view name(Flood flood) {
  return kRows.at(static_cast<std::size_t>(flood)).name;
}

FloodLimit limit_of(Flood flood) {
  return kRows.at(static_cast<std::size_t>(flood)).limit;
}

bool FloodGuard::allows(Flood flood, Nanos now) {
  std::uint32_t& spent = spent_[static_cast<std::size_t>(flood)];
  const std::uint32_t burst = limit_of(flood).burst;
  if (spent >= burst) refill(now);
  if (spent >= burst) return false;
  ++spent;
  return true;
}

// By whole seconds: looked at only when a budget is spent.
void FloodGuard::refill(Nanos now) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now - since_);
  if (seconds.count() <= 0) return;
  since_ += seconds;
  const auto passed = static_cast<std::uint64_t>(seconds.count());
  for (std::size_t i = 0; i < kFloods; ++i) {
    const std::uint64_t back = passed * kRows[i].limit.per_second;
    spent_[i] -= static_cast<std::uint32_t>(std::min<std::uint64_t>(spent_[i], back));
  }
}

}  // namespace sluice::http2
