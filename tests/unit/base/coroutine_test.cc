// Task, Scope, Signal and Loop together: the rules of docs/coroutines.md as tests.
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "base/fd_events.h"
#include "base/frames.h"
#include "base/loop.h"
#include "base/scope.h"
#include "base/sys.h"
#include "base/task.h"

namespace sluice {
namespace {

class CoroutineTest : public testing::Test {
 protected:
  ~CoroutineTest() override { EXPECT_EQ(frames::live(), 0); }
  Loop loop_;
};

struct Noted {
  explicit Noted(std::string& log) : log(log) {}
  ~Noted() { log += "destroyed "; }
  std::string& log;
};

Task<int> leaf(int value) {
  co_return value;
}

Task<> sum_many(int times, long& sum) {
  for (int i = 0; i < times; ++i) {
    const int one = co_await leaf(1);
    sum += one;
  }
}

TEST_F(CoroutineTest, AMillionChildrenThatFinishAtOnceNeedNoStack) {
  long sum = 0;
  Scope scope;
  scope.spawn([&] { return sum_many(1'000'000, sum); });
  EXPECT_EQ(sum, 1'000'000);
  EXPECT_TRUE(scope.empty());
}

Task<> nap(Loop& loop, Millis time, std::string& log, std::string name) {
  const Noted noted(log);
  co_await loop.sleep(time);
  log += name + " ";
}

Task<> stop_when_done(Loop& loop, Scope& scope) {
  const Wake wake = co_await scope.join(loop, Deadline::never());
  EXPECT_EQ(wake, Wake::kReady);
  loop.stop();
}

Task<> think_then_write(Loop& loop, std::string& log, std::string name) {
  co_await loop.yield();
  log += "thinks-" + name + " ";
  co_await loop.write_turn();
  log += "writes-" + name + " ";
}

TEST_F(CoroutineTest, WhoWritesWaitsUntilTheOthersOfTheTurnWantToWriteToo) {
  std::string log;
  Scope scope;
  for (const char* name : {"a", "b", "c"}) scope.spawn([&, name] { return think_then_write(loop_, log, name); });
  Scope end;
  end.spawn([&] { return stop_when_done(loop_, scope); });
  loop_.run();
  // c is the last that is ready: there is nobody to wait for
  EXPECT_EQ(log, "thinks-a thinks-b thinks-c writes-c writes-a writes-b ");
}

TEST_F(CoroutineTest, NobodyWaitsForMoreThanABurstToWrite) {
  std::string log;
  Scope scope;
  for (int i = 0; i < 40; ++i) scope.spawn([&, i] { return think_then_write(loop_, log, std::to_string(i)); });
  Scope end;
  end.spawn([&] { return stop_when_done(loop_, scope); });
  loop_.run();
  EXPECT_LT(log.find("writes-0 "), log.find("thinks-32 "));
  EXPECT_GT(log.find("writes-0 "), log.find("thinks-31 "));
}

Task<> cancel_then_write(Loop& loop, Scope& others, std::string& log) {
  co_await loop.yield();
  others.cancel();
  log += "cancelled ";
  co_await loop.write_turn();
}

TEST_F(CoroutineTest, WhoIsCancelledWhileWaitingForItsTurnDoesNotWrite) {
  std::string log;
  Scope others;
  Scope scope;
  others.spawn([&] { return think_then_write(loop_, log, "a"); });
  scope.spawn([&] { return cancel_then_write(loop_, others, log); });
  Scope end;
  end.spawn([&] { return stop_when_done(loop_, scope); });
  loop_.run();
  EXPECT_EQ(log, "thinks-a cancelled ");
}

TEST_F(CoroutineTest, DeadlinesWakeInOrder) {
  std::string log;
  Scope naps;
  Scope main;
  naps.spawn(nap, std::ref(loop_), Millis(30), std::ref(log), std::string("c"));
  naps.spawn(nap, std::ref(loop_), Millis(10), std::ref(log), std::string("a"));
  naps.spawn(nap, std::ref(loop_), Millis(20), std::ref(log), std::string("b"));
  main.spawn([&] { return stop_when_done(loop_, naps); });
  loop_.run();
  EXPECT_EQ(log, "a destroyed b destroyed c destroyed ");
}

TEST_F(CoroutineTest, LeavingTheScopeCancelsWhatWaits) {
  std::string log;
  {
    Scope scope;
    scope.spawn(nap, std::ref(loop_), Millis(5000), std::ref(log), std::string("never"));
    EXPECT_EQ(scope.size(), 1U);
  }
  EXPECT_EQ(log, "destroyed ");
}

Task<> wait_for(Loop& loop, Signal& signal, Deadline deadline, std::string& log) {
  const Wake wake = co_await signal.wait(loop, deadline);
  log += wake == Wake::kReady ? "ready " : "timeout ";
  loop.stop();
}

TEST_F(CoroutineTest, ASignalWakesItsWaiter) {
  Signal signal;
  std::string log;
  Scope scope;
  scope.spawn([&] { return wait_for(loop_, signal, loop_.in(Millis(5000)), log); });
  signal.set();
  loop_.run();
  EXPECT_EQ(log, "ready ");
}

TEST_F(CoroutineTest, ASignalThatIsNotSetTimesOut) {
  Signal signal;
  std::string log;
  Scope scope;
  scope.spawn([&] { return wait_for(loop_, signal, loop_.in(Millis(5)), log); });
  loop_.run();
  EXPECT_EQ(log, "timeout ");
}

Task<> throwing() {
  throw std::runtime_error("from a hook");
  co_return;
}
Task<> catching(std::string& log) {
  try {
    co_await throwing();
  } catch (const std::runtime_error& error) {
    log = error.what();
  }
}

TEST_F(CoroutineTest, AnExceptionOfAHookReachesTheAwaiter) {
  std::string log;
  Scope scope;
  scope.spawn([&] { return catching(log); });
  EXPECT_EQ(log, "from a hook");
}

Task<> spin(Loop& loop, Signal& always, const bool& stop, int& turns) {
  while (!stop) {
    const Wake wake = co_await always.wait(loop, Deadline::never());
    turns += wake == Wake::kReady ? 1 : 0;
  }
}
Task<> stop_soon(Loop& loop, bool& stop) {
  co_await loop.sleep(Millis(2));
  stop = true;
  loop.stop();
}

TEST_F(CoroutineTest, AWaitThatIsAlwaysReadyLetsOthersRun) {
  Signal always;
  always.set();
  bool stop = false;
  int turns = 0;
  Scope scope;
  scope.spawn([&] { return stop_soon(loop_, stop); });
  scope.spawn([&] { return spin(loop_, always, stop, turns); });
  loop_.run();
  EXPECT_GT(turns, 64);
}

Task<> read_all(Loop& loop, int fd, std::string& got) {
  FdEvents events(loop, fd);
  char buffer[4];
  for (;;) {
    const Wake wake = co_await events.readable.wait(loop, Deadline::never());
    EXPECT_EQ(wake, Wake::kReady);
    const sys::Io io = sys::read(fd, buffer);
    if (io.again()) {
      events.readable.clear();
      continue;
    }
    if (!io.done() || io.bytes == 0) break;
    events.after_read(io.bytes, sizeof buffer);
    got.append(buffer, io.bytes);
  }
  loop.stop();
}
Task<> write_in_pieces(Loop& loop, Fd fd) {
  for (const std::string_view piece : {"hello", ", ", "world"}) {
    EXPECT_TRUE(sys::write(fd.get(), piece).done());
    co_await loop.sleep(Millis(1));
  }
  EXPECT_TRUE(sys::write(fd.get(), std::string_view("!")).done());
}  // data and FIN arrive together here

TEST_F(CoroutineTest, EdgeTriggeredReadsSeeEveryByteAndTheEnd) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  const Fd mine(pair[0]);
  std::string got;
  Scope scope;
  scope.spawn([&] { return read_all(loop_, mine.get(), got); });
  scope.spawn(write_in_pieces, std::ref(loop_), Fd(pair[1]));
  loop_.run();
  EXPECT_EQ(got, "hello, world!");
}

}  // namespace
}  // namespace sluice
