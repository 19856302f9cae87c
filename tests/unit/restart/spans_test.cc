#include "restart/spans.h"

#include <gtest/gtest.h>

namespace sluice::restart {
namespace {

TEST(Spans, GivesTheFirstGapThatIsLongEnough) {
  Spans spans(10);
  EXPECT_EQ(spans.take(4), 0U);
  EXPECT_EQ(spans.take(2), 4U);
  EXPECT_EQ(spans.take(3), 6U);
  spans.give_back(4);
  EXPECT_EQ(spans.take(3), std::nullopt);
  EXPECT_EQ(spans.take(1), 4U);
  EXPECT_EQ(spans.take(1), 5U);
  EXPECT_EQ(spans.take(1), 9U);
  EXPECT_EQ(spans.take(1), std::nullopt);
  EXPECT_EQ(spans.taken(), 10U);
}

TEST(Spans, GivesNothingForNothing) {
  Spans spans(1);
  EXPECT_EQ(spans.take(0), std::nullopt);
  EXPECT_EQ(spans.taken(), 0U);
}

}  // namespace
}  // namespace sluice::restart
