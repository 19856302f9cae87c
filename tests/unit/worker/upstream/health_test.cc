// Verdicts on servers, circuits and retries, with time as an argument.
#include "worker/offramp/health.h"

#include <gtest/gtest.h>

#include "worker/offramp/circuit.h"
#include "worker/offramp/retry_budget.h"

namespace sluice::worker {
namespace {

constexpr Nanos kSecond = std::chrono::seconds(1);
constexpr Nanos at(int seconds) {
  return 1000 * kSecond + seconds * kSecond;
}

class EjectionTest : public testing::Test {
 protected:
  // When the ejection that begins now ends.
  Nanos eject(Nanos now) {
    EXPECT_FALSE(health_.failed(settings_, now));
    EXPECT_TRUE(health_.failed(settings_, now));
    EXPECT_FALSE(health_.well());
    return health_.until();
  }
  ipc::PassiveHealthSettings settings_{
      .failures = 2, .ejection_time = std::chrono::seconds(10), .max_ejection_time = std::chrono::seconds(30)};
  Health health_;
};

TEST_F(EjectionTest, OnlyFailuresInARowCount) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(health_.failed(settings_, at(i)));
    health_.succeeded();
  }
  EXPECT_TRUE(health_.well());
}

TEST_F(EjectionTest, LastsItsTime) {
  EXPECT_EQ(eject(at(0)), at(10));
  EXPECT_FALSE(health_.returns(at(9)));
  EXPECT_FALSE(health_.failed(settings_, at(9)));  // of a request that was under way
  EXPECT_TRUE(health_.returns(at(10)));
  EXPECT_TRUE(health_.well());
  EXPECT_EQ(health_.until(), Nanos::max());
}

TEST_F(EjectionTest, DoublesUpToTheLongestAndForgetsAfterAQuietTime) {
  EXPECT_EQ(eject(at(0)), at(10));
  EXPECT_TRUE(health_.returns(at(10)));
  EXPECT_EQ(eject(at(11)), at(31));
  EXPECT_TRUE(health_.returns(at(31)));
  EXPECT_EQ(eject(at(32)), at(62));
  EXPECT_TRUE(health_.returns(at(62)));
  EXPECT_EQ(eject(at(91)), at(121));  // quiet for 29 seconds: not long enough
  EXPECT_TRUE(health_.returns(at(121)));
  EXPECT_EQ(eject(at(151)), at(161));
  EXPECT_EQ(health_.ejections(), 5U);
}

TEST(Probes, TakeAServerDownAndUpByTheirNumberInARow) {
  const ipc::ActiveHealthSettings settings{.rise = 2, .fall = 3};
  Health health;
  const auto probe = [&](std::string_view results) {
    std::string verdicts;
    for (const char c : results)
      verdicts +=
          health.probed(c == '+' ? Probe::kSucceeded : Probe::kFailed, settings) ? (health.down() ? 'D' : 'U') : '.';
    return verdicts;
  };
  EXPECT_EQ(probe("--+--+---"), "........D");
  EXPECT_EQ(probe("--+-+-++"), ".......U");
  EXPECT_EQ(probe("++--"), "....");
  EXPECT_TRUE(health.well());
}

TEST(Probes, ASuccessfulProbeDoesNotEndAnEjection) {
  Health health;
  EXPECT_TRUE(health.failed({.failures = 1}, at(0)));
  EXPECT_FALSE(health.probed(Probe::kSucceeded, {}));
  EXPECT_FALSE(health.well());
}

class CircuitTest : public testing::Test {
 protected:
  void report(int successes, int failures, Nanos now) {
    for (int i = 0; i < successes; ++i) circuit_.report(Circuit::Outcome::kSuccess, now);
    for (int i = 0; i < failures; ++i) circuit_.report(Circuit::Outcome::kFailure, now);
  }
  ipc::CircuitSettings settings_{.enabled = true,
                                 .failure_ratio = 0.5,
                                 .min_requests = 10,
                                 .window = std::chrono::seconds(10),
                                 .open_time = std::chrono::seconds(5),
                                 .trials = 2};
  Circuit circuit_{settings_};
};

TEST_F(CircuitTest, OpensWhenEnoughOfEnoughFailed) {
  report(0, 9, at(0));
  EXPECT_TRUE(circuit_.lets_through(at(0)));  // nine are not enough to conclude anything
  report(8, 0, at(1));
  EXPECT_TRUE(circuit_.lets_through(at(1)));
  report(0, 1, at(2));
  EXPECT_EQ(circuit_.state(), Circuit::State::kOpen);
  EXPECT_FALSE(circuit_.lets_through(at(2)));
}

TEST_F(CircuitTest, FailuresOutsideTheWindowDoNotCount) {
  report(0, 9, at(0));
  report(0, 1, at(11));
  EXPECT_EQ(circuit_.state(), Circuit::State::kClosed);
}

TEST_F(CircuitTest, ClosesAfterItsTrials) {
  report(0, 10, at(0));
  EXPECT_FALSE(circuit_.lets_through(at(4)));
  EXPECT_TRUE(circuit_.lets_through(at(5)));
  EXPECT_TRUE(circuit_.lets_through(at(5)));
  EXPECT_FALSE(circuit_.lets_through(at(5)));
  report(1, 0, at(6));
  EXPECT_EQ(circuit_.state(), Circuit::State::kOnTrial);
  report(1, 0, at(6));
  EXPECT_EQ(circuit_.state(), Circuit::State::kClosed);
  report(0, 1, at(6));  // the failures from before are forgotten
  EXPECT_TRUE(circuit_.lets_through(at(6)));
}

TEST_F(CircuitTest, ATrialThatFailsOpensItAgain) {
  report(0, 10, at(0));
  EXPECT_TRUE(circuit_.lets_through(at(5)));
  report(0, 1, at(6));
  EXPECT_FALSE(circuit_.lets_through(at(10)));
  EXPECT_TRUE(circuit_.lets_through(at(11)));
}

TEST_F(CircuitTest, TrialsWithoutAnOutcomeAreGivenAgain) {
  report(0, 10, at(0));
  EXPECT_TRUE(circuit_.lets_through(at(5)));
  EXPECT_TRUE(circuit_.lets_through(at(5)));
  EXPECT_FALSE(circuit_.lets_through(at(9)));
  EXPECT_TRUE(circuit_.lets_through(at(10)));
}

TEST(RetryBudget, IsAPartOfTheRequests) {
  RetryBudget budget({.budget = 0.2, .min_per_second = 0});
  for (int i = 0; i < 50; ++i) budget.earn();
  int retries = 0;
  while (budget.spend(at(0))) ++retries;
  EXPECT_EQ(retries, 10);
}

TEST(RetryBudget, HasAMinimumThatTimeBrings) {
  RetryBudget budget({.budget = 0.0, .min_per_second = 3});
  int retries = 0;
  while (budget.spend(at(0))) ++retries;
  EXPECT_EQ(retries, 30);
  while (budget.spend(at(2))) ++retries;
  EXPECT_EQ(retries, 36);
  while (budget.spend(at(1000))) ++retries;
  EXPECT_EQ(retries, 66);  // no more than ten seconds' worth is saved up
}

TEST(RetryBudget, NoneIsNone) {
  RetryBudget budget({.budget = 0.0, .min_per_second = 0});
  budget.earn();
  EXPECT_FALSE(budget.spend(at(0)));
}

}  // namespace
}  // namespace sluice::worker
