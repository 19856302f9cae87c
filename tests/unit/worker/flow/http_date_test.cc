#include "worker/flow/http_date.h"

#include <gtest/gtest.h>

namespace sluice::worker {
namespace {

std::string date(std::int64_t unix_seconds) {
  return http_date(std::chrono::system_clock::time_point(std::chrono::seconds(unix_seconds)));
}

TEST(HttpDate, IsTheExampleOfTheStandard) {
  EXPECT_EQ(date(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");  // RFC 9110 section 5.6.7
}

TEST(HttpDate, KnowsLeapDaysAndEndsOfYears) {
  EXPECT_EQ(date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(date(951'782'400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(date(1'767'225'599), "Wed, 31 Dec 2025 23:59:59 GMT");
}

}  // namespace
}  // namespace sluice::worker
