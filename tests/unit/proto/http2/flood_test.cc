#include "proto/http2/flood.h"

#include <gtest/gtest.h>

namespace sluice::http2 {
namespace {

std::uint32_t spend_all(FloodGuard& guard, Flood flood, Nanos now) {
  std::uint32_t count = 0;
  while (guard.allows(flood, now)) ++count;
  return count;
}

TEST(FloodGuard, AllowsABurstAndThenNoMore) {
  FloodGuard guard(Nanos(0));
  EXPECT_EQ(spend_all(guard, Flood::kResets, Nanos(0)), limit_of(Flood::kResets).burst);
  EXPECT_EQ(spend_all(guard, Flood::kPings, Nanos(0)), limit_of(Flood::kPings).burst) << "budgets are apart";
}

TEST(FloodGuard, GivesBackByTheSecond) {
  FloodGuard guard(Nanos(0));
  static_cast<void>(spend_all(guard, Flood::kResets, Nanos(0)));
  EXPECT_EQ(spend_all(guard, Flood::kResets, std::chrono::milliseconds(900)), 0U);
  EXPECT_EQ(spend_all(guard, Flood::kResets, std::chrono::seconds(2)), 2 * limit_of(Flood::kResets).per_second);
  EXPECT_EQ(spend_all(guard, Flood::kResets, std::chrono::hours(1)), limit_of(Flood::kResets).burst)
      << "never more than a burst";
}

TEST(FloodGuard, IsPaidBackByWorkThatWasWorthIt) {
  FloodGuard guard(Nanos(0));
  guard.earn(Flood::kWindows);
  EXPECT_EQ(spend_all(guard, Flood::kWindows, Nanos(0)), limit_of(Flood::kWindows).burst) << "not in advance";
  guard.earn(Flood::kWindows);
  EXPECT_EQ(spend_all(guard, Flood::kWindows, Nanos(0)), 1U);
}

}  // namespace
}  // namespace sluice::http2
