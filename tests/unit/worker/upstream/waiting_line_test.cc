// The order of a line, and that no call is lost whoever leaves it.
#include "worker/offramp/waiting_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/frames.h"
#include "base/scope.h"

namespace sluice::worker {
namespace {

using testing::ElementsAre;

class WaitingLineTest : public testing::Test {
 protected:
  ~WaitingLineTest() override { EXPECT_EQ(frames::live(), 0); }

  // Stands in line until it finds something free.
  Task<> visit(std::string name, Millis patience) {
    WaitingLine::Visitor visitor(line_);
    const Deadline deadline = loop_.in(patience);
    for (;;) {
      const Wake wake = co_await visitor.turn(loop_, deadline);
      if (visitor.dismissed()) {
        heard_.push_back(name + " dismissed");
        co_return;
      }
      if (wake == Wake::kTimeout) {
        heard_.push_back(name + " gave up");
        co_return;
      }
      if (free_ > 0) {
        --free_;
        heard_.push_back(name);
        co_return;
      }
      visitor.stay();
    }
  }
  Task<> dismissed_visit() {
    WaitingLine::Visitor visitor(line_);
    visitor.dismiss();
    const Wake wake = co_await visitor.turn(loop_, Deadline::never());
    heard_.emplace_back(wake == Wake::kReady && visitor.dismissed() ? "dismissed" : "?");
  }
  void put_free(int count) {
    free_ += count;
    line_.call();
  }
  void run_for(Millis time) {
    Scope stop;
    stop.spawn([this, time] { return stop_after(time); });
    loop_.run();
  }
  Task<> stop_after(Millis time) {
    co_await loop_.sleep(time);
    loop_.stop();
  }

  Loop loop_;
  WaitingLine line_;
  int free_ = 0;
  std::vector<std::string> heard_;
};

constexpr Millis kForever{0};

TEST_F(WaitingLineTest, ServesInTheOrderOfArrival) {
  Scope scope;
  for (const char* name : {"a", "b", "c"}) scope.spawn([this, name] { return visit(name, kForever); });
  EXPECT_EQ(line_.size(), 3U);
  put_free(1);
  run_for(Millis(5));
  EXPECT_THAT(heard_, ElementsAre("a"));
  put_free(2);
  run_for(Millis(5));
  EXPECT_THAT(heard_, ElementsAre("a", "b", "c"));
  EXPECT_TRUE(line_.empty());
}

TEST_F(WaitingLineTest, OneCallForSeveralFreePlacesServesThemAll) {
  Scope scope;
  for (const char* name : {"a", "b", "c", "d"}) scope.spawn([this, name] { return visit(name, kForever); });
  put_free(3);
  run_for(Millis(5));
  EXPECT_THAT(heard_, ElementsAre("a", "b", "c"));
  EXPECT_EQ(line_.size(), 1U);
}

TEST_F(WaitingLineTest, ACalledVisitorThatIsCancelledPassesItsTurnOn) {
  Scope staying;
  {
    Scope leaving;
    leaving.spawn([this] { return visit("first", kForever); });
    staying.spawn([this] { return visit("second", kForever); });
    put_free(1);
  }
  run_for(Millis(5));
  EXPECT_THAT(heard_, ElementsAre("second"));
}

TEST_F(WaitingLineTest, WhoGivesUpInTheMiddleLeavesTheOthersInOrder) {
  Scope scope;
  scope.spawn([this] { return visit("a", kForever); });
  scope.spawn([this] { return visit("b", Millis(1)); });
  scope.spawn([this] { return visit("c", kForever); });
  run_for(Millis(10));
  put_free(2);
  run_for(Millis(5));
  EXPECT_THAT(heard_, ElementsAre("b gave up", "a", "c"));
}

TEST_F(WaitingLineTest, ADismissedVisitorLeavesAtOnce) {
  Scope scope;
  scope.spawn([this] { return dismissed_visit(); });
  run_for(Millis(5));
  EXPECT_THAT(heard_, ElementsAre("dismissed"));
  EXPECT_TRUE(line_.empty());
}

}  // namespace
}  // namespace sluice::worker
