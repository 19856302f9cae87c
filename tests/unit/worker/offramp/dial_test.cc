// Happy eyeballs on loopback: addresses that answer, refuse, are silent, or are not permitted.
#include "worker/offramp/dial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/frames.h"
#include "base/scope.h"
#include "base/sys.h"

namespace sluice::worker {
namespace {

using testing::HasSubstr;

SocketAddress name_of(int fd) {
  RawAddress raw;
  EXPECT_EQ(::getsockname(fd, raw.get(), &raw.size), 0);
  return SocketAddress::from_raw(raw).value();
}

struct Listener {
  explicit Listener(std::string_view at = "127.0.0.1:0", int backlog = 128) {
    const RawAddress raw = SocketAddress::parse(at).value().raw();
    fd = sys::socket(raw.family(), SOCK_STREAM, 0).value();
    EXPECT_EQ(::bind(fd.get(), raw.get(), raw.size), 0) << at;
    EXPECT_EQ(::listen(fd.get(), backlog), 0);
    address = name_of(fd.get());
  }
  [[nodiscard]] bool has_visitor() const {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    return static_cast<bool>(sys::accept(fd.get(), peer, size).fd);
  }

  Fd fd;
  SocketAddress address;
};

// An address where the handshake never ends: the queue of the listener is full and nobody accepts.
struct Silent : Listener {
  Silent() : Listener("127.0.0.1:0", 0) {
    for (int i = 0; i < 4; ++i) {
      fillers.push_back(sys::socket(AF_INET, SOCK_STREAM, 0).value());
      const RawAddress raw = address.raw();
      EXPECT_TRUE(sys::connect(fillers.back().get(), raw.get(), raw.size));
    }
  }
  std::vector<Fd> fillers;
};

// A port that was free a moment ago and refuses: bound, but nobody listens.
struct Refusing {
  Refusing() {
    const RawAddress raw = SocketAddress::parse("127.0.0.1:0").value().raw();
    fd = sys::socket(AF_INET, SOCK_STREAM, 0).value();
    EXPECT_EQ(::bind(fd.get(), raw.get(), raw.size), 0);
    address = name_of(fd.get());
  }
  Fd fd;
  SocketAddress address;
};

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

class DialTest : public testing::Test {
 protected:
  using Outcome = std::optional<Result<Connected>>;

  ~DialTest() override { EXPECT_EQ(frames::live(), 0); }

  Task<> ask(const DialRequest& request, Outcome& outcome) {
    Result<Connected> result = co_await dial(loop_, request);
    outcome.emplace(std::move(result));
    loop_.stop();
  }
  Task<> stop_after(Millis time) {
    co_await loop_.sleep(time);
    loop_.stop();
  }
  Task<> learn(LateCandidates& late, Millis after, std::vector<SocketAddress> more) {
    co_await loop_.sleep(after);
    late.add(std::move(more));
    late.finish();
  }
  Result<Connected> run(const DialRequest& request) {
    Outcome outcome;
    Scope scope;
    const Nanos start = steady_now();
    scope.spawn([&] { return ask(request, outcome); });
    if (!outcome) loop_.run();
    took_ = std::chrono::duration_cast<Millis>(steady_now() - start);
    return std::move(*outcome);
  }
  Deadline soon(Millis time) { return Deadline(steady_now() + time); }

  Loop loop_;
  Millis took_{0};
};

TEST_F(DialTest, ConnectsToTheFirstThatAnswers) {
  const Listener first;
  const Listener second;
  const std::vector<SocketAddress> candidates = {first.address, second.address};
  const Result<Connected> result = run({.candidates = candidates});
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->peer, first.address);
  EXPECT_TRUE(first.has_visitor());
  EXPECT_FALSE(second.has_visitor());
  int no_delay = 0;
  socklen_t size = sizeof no_delay;
  ASSERT_EQ(::getsockopt(result->fd.get(), IPPROTO_TCP, TCP_NODELAY, &no_delay, &size), 0);
  EXPECT_NE(no_delay, 0);
}

TEST_F(DialTest, ConnectsOverIpv6) {
  const Listener listener("[::1]:0");
  const std::vector<SocketAddress> candidates = {listener.address};
  const Result<Connected> result = run({.candidates = candidates});
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->peer, listener.address);
}

TEST_F(DialTest, AfterARefusalTheNextStartsAtOnce) {
  const Refusing refusing;
  const Listener listener;
  const std::vector<SocketAddress> candidates = {refusing.address, listener.address};
  const Result<Connected> result = run({.candidates = candidates, .attempt_delay = Millis(2000)});
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->peer, listener.address);
  EXPECT_LT(took_, Millis(2000));
}

TEST_F(DialTest, ASilentAddressCostsOneAttemptDelay) {
  const Silent silent;
  const Listener listener;
  const std::vector<SocketAddress> candidates = {silent.address, listener.address};
  const Result<Connected> result = run({.candidates = candidates});
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->peer, listener.address);
  EXPECT_GE(took_, kAttemptDelay);
  EXPECT_LT(took_, Millis(5000));  // the silent one's time
}

TEST_F(DialTest, ShortAndLongDelaysAreClamped) {
  const Silent silent;
  const Listener listener;
  const std::vector<SocketAddress> candidates = {silent.address, silent.address, silent.address, listener.address};
  ASSERT_TRUE(run({.candidates = candidates, .attempt_delay = Millis(0)}));
  EXPECT_GE(took_, 3 * kMinAttemptDelay);
  EXPECT_LT(took_, 3 * kAttemptDelay);
}

TEST_F(DialTest, AttemptsEndAfterTheConnectTimeout) {
  const Silent silent;
  const std::vector<SocketAddress> candidates = {silent.address, silent.address};
  const Error error =
      run({.candidates = candidates, .attempt_delay = Millis(20), .connect_timeout = Millis(60)}).error();
  EXPECT_EQ(error.code(), Code::kTimeout);
  EXPECT_EQ(error.side(), Side::kOrigin);
  EXPECT_GE(took_, Millis(80));
  EXPECT_LT(took_, Millis(5000));
}

TEST_F(DialTest, TheDeadlineEndsEverything) {
  const Silent silent;
  const Refusing refusing;
  const std::vector<SocketAddress> candidates = {refusing.address, silent.address, silent.address};
  const Error error = run({.candidates = candidates, .deadline = soon(Millis(60))}).error();
  EXPECT_EQ(error.code(), Code::kTimeout);
  EXPECT_EQ(error.retry(), Retry::kYes);
  EXPECT_THAT(error.message(), HasSubstr(refusing.address.text()));
  EXPECT_LT(took_, Millis(5000));
}

TEST_F(DialTest, ReportsEveryAttempt) {
  const Refusing first;
  const Refusing second;
  const std::vector<SocketAddress> candidates = {first.address, second.address};
  const Error error = run({.candidates = candidates}).error();
  EXPECT_EQ(error.code(), Code::kRefused);
  EXPECT_EQ(error.side(), Side::kOrigin);
  EXPECT_EQ(error.retry(), Retry::kYes);
  EXPECT_THAT(error.message(), HasSubstr(first.address.text()));
  EXPECT_THAT(error.message(), HasSubstr(second.address.text()));
}

TEST_F(DialTest, PolicyIsAskedAboutTheVeryAddressAndIsObeyed) {
  const Listener forbidden;
  const Listener listener;
  const std::vector<SocketAddress> candidates = {forbidden.address, listener.address};
  std::vector<SocketAddress> asked;
  const auto permitted = [&](const SocketAddress& address) -> Result<> {
    asked.push_back(address);
    if (address == forbidden.address) return fail(Code::kDestinationForbidden, "loopback");
    return {};
  };
  const Result<Connected> result = run({.candidates = candidates, .permitted = permitted});
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->peer, listener.address);
  EXPECT_EQ(asked, candidates);
  EXPECT_FALSE(forbidden.has_visitor());
}

TEST_F(DialTest, PolicyThatRefusesAllIsForbiddenAndNotToBeRetried) {
  const Listener listener;
  const std::vector<SocketAddress> candidates = {listener.address, listener.address};
  const auto refused = [](const SocketAddress&) -> Result<> { return fail(Code::kDestinationForbidden, "loopback"); };
  const Error error = run({.candidates = candidates, .permitted = refused}).error();
  EXPECT_EQ(error.code(), Code::kDestinationForbidden);
  EXPECT_EQ(error.retry(), Retry::kNo);
  EXPECT_EQ(error.side(), Side::kUs);
  EXPECT_THAT(error.message(), HasSubstr("loopback"));
  EXPECT_FALSE(listener.has_visitor());
}

TEST_F(DialTest, OneForbiddenAndOneRefusedIsTheOriginsFault) {
  const Refusing refusing;
  const std::vector<SocketAddress> candidates = {SocketAddress::parse("127.0.0.9:1").value(), refusing.address};
  const auto permitted = [&](const SocketAddress& address) -> Result<> {
    if (address != refusing.address) return fail(Code::kDestinationForbidden, "not that one");
    return {};
  };
  const Error error = run({.candidates = candidates, .permitted = permitted}).error();
  EXPECT_EQ(error.code(), Code::kRefused);
  EXPECT_THAT(error.message(), HasSubstr("not that one"));
}

TEST_F(DialTest, NoAddressIsAnError) {
  EXPECT_EQ(run({}).error().code(), Code::kDnsFailure);
}

TEST_F(DialTest, AddressesLearnedLateJoinAfterTheAttemptDelay) {
  const Silent silent;
  const Listener listener;
  const std::vector<SocketAddress> first = {silent.address, silent.address};
  LateCandidates late;
  Scope looking;
  looking.spawn([&] { return learn(late, Millis(30), {listener.address}); });
  constexpr Millis kDelay(600);
  const Result<Connected> result = run({.candidates = first, .late = &late, .attempt_delay = kDelay});
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->peer, listener.address);  // before the second silent one: the families take turns
  EXPECT_GE(took_, kDelay);
  EXPECT_LT(took_, 2 * kDelay);
}

TEST_F(DialTest, AfterAFailureALateAddressIsTriedAtOnce) {
  const Refusing refusing;
  const Listener listener;
  const std::vector<SocketAddress> first = {refusing.address};
  LateCandidates late;
  Scope looking;
  looking.spawn([&] { return learn(late, Millis(30), {listener.address}); });
  const Result<Connected> result = run({.candidates = first, .late = &late, .attempt_delay = Millis(2000)});
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->peer, listener.address);
  EXPECT_GE(took_, Millis(25));
  EXPECT_LT(took_, Millis(2000));
}

TEST_F(DialTest, WhenNothingMoreComesTheFailureIsTold) {
  const Refusing refusing;
  const std::vector<SocketAddress> first = {refusing.address};
  LateCandidates late;
  Scope looking;
  looking.spawn([&] { return learn(late, Millis(30), {}); });
  const Error error = run({.candidates = first, .late = &late}).error();
  EXPECT_EQ(error.code(), Code::kRefused);
  EXPECT_GE(took_, Millis(25));
}

TEST_F(DialTest, ASuccessDoesNotWaitForWhatMayStillCome) {
  const Listener listener;
  const std::vector<SocketAddress> first = {listener.address};
  LateCandidates late;
  ASSERT_TRUE(run({.candidates = first, .late = &late, .attempt_delay = Millis(2000)}));
  EXPECT_LT(took_, Millis(2000));
}

TEST_F(DialTest, ConnectsFromItsSourceAddressesInTurn) {
  Listener there;
  const SourceAddresses sources({"127.0.0.7", "127.0.0.8"});
  std::vector<std::string> seen;
  for (int i = 0; i < 3; ++i) {
    DialRequest request;
    const std::vector<SocketAddress> candidates = {there.address};
    request.candidates = candidates;
    request.sources = &sources;
    request.deadline = soon(Millis(2000));
    const Result<Connected> connected = run(request);
    ASSERT_TRUE(connected) << connected.error().message();
    seen.push_back(name_of(connected->fd.get()).ip().text());
  }
  EXPECT_THAT(seen, testing::ElementsAre("127.0.0.8", "127.0.0.7", "127.0.0.8"));
}

TEST_F(DialTest, AFamilyWithoutASourceAddressIsNotTried) {
  Listener there;
  const SourceAddresses sources({"::1"});
  DialRequest request;
  const std::vector<SocketAddress> candidates = {there.address};
  request.candidates = candidates;
  request.sources = &sources;
  request.deadline = soon(Millis(2000));
  const Result<Connected> connected = run(request);
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().code(), Code::kUnreachable);
  EXPECT_FALSE(there.has_visitor());
}

TEST_F(DialTest, LosersAreClosed) {
  const Silent silent;
  const Listener listener;
  const std::vector<SocketAddress> candidates = {silent.address, silent.address, listener.address};
  const std::size_t before = open_descriptors();
  {
    const Result<Connected> result = run({.candidates = candidates, .attempt_delay = Millis(10)});
    ASSERT_TRUE(result);
    EXPECT_EQ(open_descriptors(), before + 1);
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(DialTest, MayBeCancelledAtAnyPoint) {
  const Silent silent;
  const Refusing refusing;
  const std::vector<SocketAddress> candidates = {silent.address, refusing.address, silent.address, silent.address};
  const DialRequest request{.candidates = candidates, .attempt_delay = Millis(10)};
  const std::size_t before = open_descriptors();
  for (int stop = 0; stop <= 40; stop += 4) {
    Outcome outcome;
    {
      Scope scope;
      scope.spawn([&] { return ask(request, outcome); });
      Scope timer;
      timer.spawn([&] { return stop_after(Millis(stop)); });
      loop_.run();
    }
    EXPECT_FALSE(outcome);
    EXPECT_EQ(open_descriptors(), before) << stop;
  }
}

// Every system call fails in turn: an error comes back or the next address is taken; nothing hangs, nothing leaks.
int calls_left = 0;
int fail_one(const char*) {
  return --calls_left == 0 ? ENOBUFS : 0;
}

TEST_F(DialTest, SurvivesTheFailureOfAnySystemCall) {
  const Listener first;
  const Listener second;
  const std::vector<SocketAddress> candidates = {first.address, second.address};
  const std::size_t before = open_descriptors();
  for (int failing = 1; failing <= 4; ++failing) {
    calls_left = failing;
    sys::inject(fail_one);
    {
      const Result<Connected> result = run({.candidates = candidates});
      sys::inject(nullptr);
      ASSERT_TRUE(result) << failing << ": " << result.error().message();
      EXPECT_EQ(result->peer, failing <= 3 ? second.address : first.address) << failing;
    }
    EXPECT_EQ(open_descriptors(), before) << failing;
  }
}

}  // namespace
}  // namespace sluice::worker
