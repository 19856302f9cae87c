// Which connections are used again and which are not.
#include "worker/offramp/origin_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "ipc/metrics.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {
namespace {

constexpr Nanos kSecond = std::chrono::seconds(1);

class OriginServerTest : public testing::Test {
 protected:
  OriginServerTest()
      : memory_(ipc::make_slab("test", 1).value()),
        slab_(ipc::Slab::attach(memory_.get()).value()),
        writer_(slab_),
        metrics_(writer_, {}) {}

  // A connection whose other end is peer_.
  std::unique_ptr<OriginConnection> connection() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    peer_ = Fd(ends[1]);
    return std::make_unique<OriginConnection>(
        loop_, Connected{.fd = Fd(ends[0]), .events = FdEvents(loop_, ends[0]), .peer = SocketAddress()});
  }
  std::size_t kept(std::unique_ptr<OriginConnection> connection, Nanos after = Nanos(0)) {
    server_.close_idle(metrics_);
    server_.give_back(std::move(connection), loop_.now() + after, metrics_);
    return server_.idle();
  }

  Loop loop_;
  Fd memory_;
  ipc::Slab slab_;
  ipc::MetricsWriter writer_;
  PathMetrics metrics_;
  ipc::OffRampSettings settings_;
  OriginServer server_{"origin", 80, kNoUpstream, settings_};
  Fd peer_;
};

TEST_F(OriginServerTest, UsesAConnectionAgain) {
  EXPECT_EQ(kept(connection()), 1U);
  EXPECT_NE(server_.take(loop_.now(), IfDead::kLost, metrics_), nullptr);
  EXPECT_EQ(server_.idle(), 0U);
  EXPECT_EQ(server_.take(loop_.now(), IfDead::kLost, metrics_), nullptr);
}

TEST_F(OriginServerTest, AConnectionThatHasCarriedItsRequestsIsClosed) {
  settings_.pool.requests_per_connection = 2;
  auto used = connection();
  used->requests = 1;
  EXPECT_EQ(kept(std::move(used)), 1U);
  used = connection();
  used->requests = 2;
  EXPECT_EQ(kept(std::move(used)), 0U);
}

TEST_F(OriginServerTest, AnOldConnectionIsNotUsedAgain) {
  settings_.pool.max_age = Millis(5'000);
  EXPECT_EQ(kept(connection(), 5 * kSecond), 0U);
  EXPECT_EQ(kept(connection(), 4 * kSecond), 1U);
  EXPECT_EQ(server_.take(loop_.now() + 5 * kSecond, IfDead::kTryAgain, metrics_), nullptr);
}

TEST_F(OriginServerTest, TheShorterOfOurTimeAndTheOriginsWordCounts) {
  settings_.pool.idle_timeout = Millis(10'000);
  auto hinted = connection();
  hinted->idle_limit = 4 * kSecond;
  EXPECT_EQ(kept(std::move(hinted)), 1U);
  server_.sweep(loop_.now() + 3 * kSecond, metrics_);
  EXPECT_EQ(server_.idle(), 1U);
  server_.sweep(loop_.now() + 4 * kSecond, metrics_);
  EXPECT_EQ(server_.idle(), 0U);
  EXPECT_EQ(kept(connection()), 1U);
  EXPECT_EQ(server_.take(loop_.now() + 10 * kSecond, IfDead::kTryAgain, metrics_), nullptr);
}

TEST_F(OriginServerTest, AnOriginThatTakesNoMoreRequestsIsBelieved) {
  auto last = connection();
  last->idle_limit = Nanos(0);
  EXPECT_EQ(kept(std::move(last)), 0U);
}

TEST_F(OriginServerTest, ForARequestThatCannotBeRepeatedTheKernelIsAskedOnceMore) {
  ASSERT_EQ(kept(connection()), 1U);
  peer_.reset();  // the loop has not run: no signal says so
  EXPECT_EQ(server_.take(loop_.now(), IfDead::kLost, metrics_), nullptr);
  ASSERT_EQ(kept(connection()), 1U);
  ASSERT_EQ(::write(peer_.get(), "x", 1), 1);
  EXPECT_EQ(server_.take(loop_.now(), IfDead::kLost, metrics_), nullptr);
}

TEST_F(OriginServerTest, TheOneThatIdledLongestIsClosedFirst) {
  server_.give_back(connection(), loop_.now(), metrics_);
  server_.give_back(connection(), loop_.now() + kSecond, metrics_);
  EXPECT_EQ(server_.oldest_idle(), loop_.now());
  EXPECT_TRUE(server_.close_oldest_idle(metrics_));
  EXPECT_EQ(server_.oldest_idle(), loop_.now() + kSecond);
  EXPECT_TRUE(server_.close_oldest_idle(metrics_));
  EXPECT_FALSE(server_.close_oldest_idle(metrics_));
}

}  // namespace
}  // namespace sluice::worker
