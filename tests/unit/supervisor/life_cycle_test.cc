#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "supervisor/backoff.h"
#include "supervisor/worker_state.h"

namespace sluice::supervisor {
namespace {
using namespace std::chrono_literals;
using enum WorkerState;

TEST(WorkerState, EveryStateHasAName) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kWorkerStates; ++i) names.insert(name(static_cast<WorkerState>(i)));
  EXPECT_EQ(names.size(), kWorkerStates);
}

TEST(WorkerState, NothingFollowsStopped) {
  for (const WorkerMove& move : kWorkerMoves) EXPECT_NE(move.from, kStopped);
}

TEST(WorkerState, EveryStateCanBeReachedAndCanStop) {
  std::set<WorkerState> reached = {kWaiting};
  std::set<WorkerState> can_stop = {kStopped};
  for (std::size_t round = 0; round < kWorkerStates; ++round)
    for (const WorkerMove& move : kWorkerMoves) {
      if (reached.contains(move.from)) reached.insert(move.to);
      if (can_stop.contains(move.to)) can_stop.insert(move.from);
    }
  EXPECT_EQ(reached.size(), kWorkerStates);
  EXPECT_EQ(can_stop.size(), kWorkerStates);
}

TEST(WorkerState, AProcessComesAndGoesOnlyByTheMovesThatSaySo) {
  for (const WorkerMove& move : kWorkerMoves)
    if (!has_process(move.from) && has_process(move.to)) EXPECT_EQ(move.to, kStarting) << move.when;
  EXPECT_FALSE(may_move(kReady, kStarting));
  EXPECT_FALSE(may_move(kDraining, kReady));
  EXPECT_FALSE(may_move(kStopping, kWaiting));
  EXPECT_TRUE(may_move(kStarting, kReady));
}

TEST(WorkerState, TheDrawingNamesEveryState) {
  std::ifstream file("supervisor/worker_state.h");
  std::stringstream text;
  text << file.rdbuf();
  const std::string drawing = text.str().substr(0, text.str().find("#pragma once"));
  for (std::size_t i = 0; i < kWorkerStates; ++i)
    EXPECT_THAT(drawing, testing::HasSubstr(" " + std::string(name(static_cast<WorkerState>(i))) + " "));
}

constexpr BackoffPolicy kPolicy{.first = 100ms, .most = 1s, .crashes = 4, .window = 60s};

TEST(Backoff, RestartsAtOnceAndThenDoubles) {
  Backoff backoff(kPolicy);
  EXPECT_EQ(backoff.ended(0s, 1s).pause, 0ms);
  EXPECT_EQ(backoff.ended(1s, 2s).pause, 100ms);
  EXPECT_EQ(backoff.ended(2s, 3s).pause, 200ms);
}

TEST(Backoff, TooManyEndsInTheWindowAreACrashLoop) {
  Backoff backoff(kPolicy);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(backoff.ended(0s, 1s).crash_loop);
  const Backoff::Verdict fourth = backoff.ended(1s, 2s);
  EXPECT_TRUE(fourth.crash_loop);
  EXPECT_EQ(fourth.pause, 1s) << "retried, at the longest pause";
  EXPECT_TRUE(backoff.ended(3s, 3s).crash_loop) << "and stays one while it goes on";
}

TEST(Backoff, EndsOutsideTheWindowAreForgotten) {
  Backoff backoff(kPolicy);
  for (int i = 0; i < 3; ++i) (void)backoff.ended(0s, 1s);
  const Backoff::Verdict late = backoff.ended(2s, 62s);
  EXPECT_FALSE(late.crash_loop);
  EXPECT_EQ(late.pause, 0ms) << "a long life starts afresh";
}

TEST(Backoff, ThePauseHasALimit) {
  Backoff backoff({.first = 100ms, .most = 1s, .crashes = 100, .window = 60s});
  Millis pause{0};
  for (int i = 0; i < 50; ++i) pause = backoff.ended(Nanos(i), Nanos(i)).pause;
  EXPECT_EQ(pause, 1s);
}

}  // namespace
}  // namespace sluice::supervisor
