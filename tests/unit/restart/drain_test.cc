#include "restart/drain.h"

#include <gtest/gtest.h>

namespace sluice::restart {
namespace {

constexpr DrainBudgets kBudgets{
    .idle = Millis(100), .request = Millis(200), .upload = Millis(300), .tunnel = Millis(400), .spread_percent = 50};

TEST(DrainBudgets, AreCutToAMost) {
  const DrainBudgets capped = kBudgets.capped(Millis(250));
  EXPECT_EQ(capped.idle, Millis(100));
  EXPECT_EQ(capped.request, Millis(200));
  EXPECT_EQ(capped.upload, Millis(250));
  EXPECT_EQ(capped.tunnel, Millis(250));
  EXPECT_EQ(capped.longest(), Millis(250));
}

TEST(DrainBudgets, SpreadOverTheirPartAndNeverBeyond) {
  constexpr std::uint64_t kConnections = 10'000;
  std::uint64_t early = 0;
  for (std::uint64_t id = 1; id <= kConnections; ++id) {
    const Millis budget = kBudgets.spread(Millis(1000), id);
    ASSERT_LE(budget, Millis(1000));
    ASSERT_GE(budget, Millis(500));
    if (budget < Millis(750)) ++early;
  }
  EXPECT_NEAR(static_cast<double>(early), kConnections / 2.0, kConnections / 50.0);
  EXPECT_EQ(DrainBudgets::all(Millis(1000)).spread(Millis(1000), 77), Millis(1000));
}

TEST(DrainOrder, SaysWhatIsLeftToAWorkerThatHearsOfItLate) {
  const Nanos ordered = Millis(1000);
  const DrainOrder order(ordered, kBudgets);
  const DrainBudgets left = order.left(ordered + Millis(250));
  EXPECT_EQ(left.idle, Millis(0));
  EXPECT_EQ(left.request, Millis(0));
  EXPECT_EQ(left.upload, Millis(50));
  EXPECT_EQ(left.tunnel, Millis(150));
  EXPECT_EQ(left.spread_percent, 50);
}

TEST(DrainOrder, KillsALittleLaterThanItCuts) {
  const DrainOrder order(Nanos(0), kBudgets);
  EXPECT_EQ(order.cut(), Deadline(Millis(400)));
  EXPECT_EQ(order.kill(), Deadline(Millis(400) + DrainOrder::kGrace));
}

}  // namespace
}  // namespace sluice::restart
