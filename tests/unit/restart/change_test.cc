#include "restart/change.h"

#include <gtest/gtest.h>

namespace sluice::restart {
namespace {

TEST(Change, NeedsWhatTheLongestPathSays) {
  EXPECT_EQ(needs_of("log.level"), Needs::kInPlace);
  EXPECT_EQ(needs_of("log.format"), Needs::kRestart);
  EXPECT_EQ(needs_of("upgrade.drain.idle"), Needs::kInPlace);
  EXPECT_EQ(needs_of("tenants"), Needs::kGeneration);
  EXPECT_EQ(needs_of("tenants[3].workers"), Needs::kGeneration);
}

TEST(Change, OfWhatNoRuleKnowsNeedsNewWorkers) {
  EXPECT_EQ(needs_of("upgraded"), Needs::kGeneration);
  EXPECT_EQ(needs_of("something.new"), Needs::kGeneration);
  EXPECT_EQ(needs_of(""), Needs::kGeneration);
}

TEST(Change, SeesThroughKeysThatLookLikePaths) {
  EXPECT_EQ(needs_of("upgrade[\"a]b\"].x"), Needs::kInPlace);
  EXPECT_EQ(needs_of("upgrade[\"a\\\"].log\"]"), Needs::kInPlace);
  EXPECT_EQ(needs_of("[\"upgrade\"]"), Needs::kGeneration);
}

TEST(Change, OfSeveralTheOneThatNeedsMostDecides) {
  EXPECT_LT(Needs::kInPlace, Needs::kGeneration);
  EXPECT_LT(Needs::kGeneration, Needs::kRestart);
}

}  // namespace
}  // namespace sluice::restart
