// Token buckets without a clock.
#include "worker/limits/rate.h"

#include <gtest/gtest.h>

namespace sluice::worker {
namespace {

using namespace std::chrono_literals;

int taken(Bucket& bucket, const Rate& rate, Nanos now, int tries) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += bucket.take(rate, now) == 0ns ? 1 : 0;
  return count;
}

TEST(Bucket, GivesABurstAndThenTheRate) {
  const Rate rate(10, 5);
  Bucket bucket;
  EXPECT_EQ(taken(bucket, rate, 1s, 100), 5);
  EXPECT_EQ(taken(bucket, rate, 1s + 99ms, 100), 0);
  EXPECT_EQ(taken(bucket, rate, 1s + 100ms, 100), 1);
  EXPECT_EQ(taken(bucket, rate, 1s + 450ms, 100), 3);
  EXPECT_EQ(taken(bucket, rate, 100s, 100), 5) << "never more than the burst, however long it rested";
}

TEST(Bucket, SaysHowLongToWait) {
  const Rate rate(10, 1);
  Bucket bucket;
  EXPECT_EQ(bucket.take(rate, 1s), 0ns);
  EXPECT_EQ(bucket.take(rate, 1s), 100ms);
  EXPECT_EQ(bucket.take(rate, 1s + 30ms), 70ms) << "a refusal costs nothing";
  EXPECT_EQ(bucket.take(rate, 1s + 100ms), 0ns);
}

TEST(Bucket, KeepsTheRateOverALongTime) {
  const Rate rate(7, 3);
  Bucket bucket;
  int count = 0;
  for (Nanos now = 1s; now < 101s; now += 1ms) count += taken(bucket, rate, now, 1);
  EXPECT_NEAR(count, 700 + 3, 1);
}

TEST(Bucket, ABurstOfZeroIsASecondsWorth) {
  const Rate rate(20, 0);
  Bucket bucket;
  EXPECT_EQ(taken(bucket, rate, 5s, 100), 20);
}

TEST(Rate, ZeroIsNoLimit) {
  EXPECT_FALSE(Rate().limited());
  EXPECT_FALSE(Rate(0, 5).limited());
  EXPECT_TRUE(Rate(1, 0).limited());
}

}  // namespace
}  // namespace sluice::worker
