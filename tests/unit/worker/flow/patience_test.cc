#include "worker/flow/patience.h"

#include <gtest/gtest.h>

namespace sluice::worker {
namespace {
using namespace std::chrono_literals;

constexpr Nanos kNow = 1000s;

Nanos wait_of(const Patience& patience) {
  return patience.deadline(kNow).since_boot() - kNow;
}

TEST(Patience, WithoutARateOnlyThePauseCounts) {
  Patience patience({.progress = 30s});
  for (int i = 0; i < 1000; ++i) patience.waited(29s, 1);
  EXPECT_EQ(wait_of(patience), 30s);
}

TEST(Patience, BeginsWithOneWholePause) {
  EXPECT_EQ(wait_of(Patience({.progress = 30s, .min_rate = 100})), 30s);
}

TEST(Patience, EndsForWhoMovesAByteNowAndThen) {
  Patience patience({.progress = 30s, .min_rate = 100});
  patience.waited(20s, 1);
  EXPECT_EQ(wait_of(patience), 10s + 10ms);
  patience.waited(10s, 1);
  EXPECT_EQ(wait_of(patience), 20ms);
  patience.waited(1s, 1);
  EXPECT_EQ(wait_of(patience), 0s);
}

TEST(Patience, GoesOnForWhoKeepsTheRate) {
  Patience patience({.progress = 30s, .min_rate = 100});
  for (int i = 0; i < 1000; ++i) patience.waited(1s, 100);
  EXPECT_EQ(wait_of(patience), 30s);
}

TEST(Patience, CountsBytesThatCameWithoutAWait) {
  Patience patience({.progress = 1s, .min_rate = 100});
  patience.waited(0s, 1000);
  patience.waited(5s, 0);
  EXPECT_EQ(wait_of(patience), 1s);
  patience.waited(5s, 0);
  EXPECT_EQ(wait_of(patience), 1s);
  patience.waited(500ms, 0);
  EXPECT_EQ(wait_of(patience), 500ms);
}

TEST(Patience, DoesNotOverflowOnEnormousBodies) {
  Patience patience({.progress = 1s, .min_rate = 1});
  patience.waited(1s, UINT64_MAX / 2);
  EXPECT_EQ(wait_of(patience), 1s);
}

}  // namespace
}  // namespace sluice::worker
