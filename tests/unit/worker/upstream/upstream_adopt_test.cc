// A group that gets other settings while it is in use.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>

#include "ipc/metrics.h"
#include "worker/offramp/upstream.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {
namespace {

class UpstreamAdoptTest : public testing::Test {
 protected:
  UpstreamAdoptTest()
      : memory_(ipc::make_slab("test", 1).value()),
        slab_(ipc::Slab::attach(memory_.get()).value()),
        writer_(slab_),
        metrics_(writer_, {}) {}

  static ipc::UpstreamSettings of(std::vector<std::string> servers) {
    ipc::UpstreamSettings settings;
    settings.name = "group";
    settings.servers = std::move(servers);
    return settings;
  }
  void adopt(const ipc::UpstreamSettings& settings) {
    group_.adopt(std::make_shared<const ipc::UpstreamSettings>(settings), loop_.now(), metrics_);
  }
  std::unique_ptr<OriginConnection> connection() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    peers_.emplace_back(ends[1]);
    return std::make_unique<OriginConnection>(
        loop_, Connected{.fd = Fd(ends[0]), .events = FdEvents(loop_, ends[0]), .peer = SocketAddress()});
  }
  void keep_idle(Member& member) { member.server->give_back(connection(), loop_.now(), metrics_); }
  std::vector<std::uint16_t> ports(int places) {
    std::vector<std::uint16_t> out;
    for (int i = 0; i < places; ++i) out.push_back(group_.take_place({}, loop_.now()).server().port());
    return out;
  }

  Loop loop_;
  Fd memory_;
  ipc::Slab slab_;
  ipc::MetricsWriter writer_;
  PathMetrics metrics_;
  ipc::UpstreamSettings first_ = of({"127.0.0.1:1", "127.0.0.1:2"});
  UpstreamGroup group_{std::make_shared<const ipc::UpstreamSettings>(first_), kNoUpstream};
  std::vector<Fd> peers_;
};

TEST_F(UpstreamAdoptTest, ServersThatStayKeepConnectionsHealthAndCounts) {
  Member& two = group_.members()[1];
  two.requests = 7;
  keep_idle(two);
  group_.failed(two, Error(Code::kRefused), loop_.now());
  adopt(of({"127.0.0.1:3", "127.0.0.1:2"}));
  ASSERT_EQ(group_.members().size(), 2U);
  EXPECT_EQ(&group_.members()[1], &two);
  EXPECT_EQ(two.requests, 7U);
  EXPECT_EQ(two.failures, 1U);
  EXPECT_EQ(two.server->idle(), 1U);
  EXPECT_EQ(group_.idle(), 1U);
}

TEST_F(UpstreamAdoptTest, AServerThatGoesGetsNothingAndKeepsNothing) {
  keep_idle(group_.members()[0]);
  adopt(of({"127.0.0.1:2"}));
  EXPECT_EQ(group_.idle(), 0U);
  EXPECT_EQ(ports(3), (std::vector<std::uint16_t>{2, 2, 2}));
}

TEST_F(UpstreamAdoptTest, ARequestAtAServerThatGoesEndsInPeace) {
  std::vector<Place> places;
  places.push_back(group_.take_place({}, loop_.now()));
  places.push_back(group_.take_place({}, loop_.now()));
  adopt(of({"127.0.0.1:9"}));
  EXPECT_EQ(group_.places(), 2U);
  for (Place& place : places) {
    place.server().give_back(connection(), loop_.now(), metrics_);
    EXPECT_EQ(place.server().idle(), 0U) << "a connection to a server that is gone is of no use";
    group_.succeeded(place.member(), loop_.now());
  }
  adopt(of({"127.0.0.1:8"}));  // once more, before they have ended
  places.clear();
  EXPECT_EQ(group_.places(), 0U);
  EXPECT_EQ(ports(2), (std::vector<std::uint16_t>{8, 8}));
}

TEST_F(UpstreamAdoptTest, WeightsLimitsAndStatesHoldAtOnce) {
  ipc::UpstreamSettings next = first_;
  next.server_options["127.0.0.1:2"] = {.weight = 3};
  adopt(next);
  const std::vector<std::uint16_t> seen = ports(8);
  EXPECT_EQ(std::ranges::count(seen, 2), 6);
  next.server_options["127.0.0.1:2"].state = ipc::ServerState::kDrain;
  adopt(next);
  EXPECT_EQ(ports(2), (std::vector<std::uint16_t>{1, 1}));
  next.max_requests = 1;
  adopt(next);
  const Place only = group_.take_place({}, loop_.now());
  EXPECT_FALSE(group_.take_place({}, loop_.now()));
  next.max_requests = 0;
  adopt(next);
  EXPECT_TRUE(group_.take_place({}, loop_.now()));
}

TEST_F(UpstreamAdoptTest, ConnectionsWithoutAProxyHeaderAreNotUsedWhereOneIsWanted) {
  keep_idle(group_.members()[0]);
  std::unique_ptr<OriginConnection> busy = connection();
  ipc::UpstreamSettings next = first_;
  next.send_proxy = ipc::SendProxy::kV1;
  group_.adopt(std::make_shared<const ipc::UpstreamSettings>(next), loop_.now() + Millis(1), metrics_);
  EXPECT_EQ(group_.idle(), 0U);
  group_.members()[0].server->give_back(std::move(busy), loop_.now(), metrics_);
  EXPECT_EQ(group_.idle(), 0U);
}

TEST_F(UpstreamAdoptTest, AServerThatNobodyProbesAnyMoreIsNotDown) {
  ipc::UpstreamSettings next = first_;
  next.health.active.enabled = true;
  next.health.active.fall = 1;
  adopt(next);
  group_.probed(group_.members()[0], fail(Code::kRefused), loop_.now());
  EXPECT_EQ(group_.well(), 1U);
  adopt(first_);
  EXPECT_EQ(group_.well(), 2U);
}

TEST_F(UpstreamAdoptTest, AGroupThatIsRetiredServesWhoIsInItAndKeepsNothing) {
  keep_idle(group_.members()[0]);
  const Place place = group_.take_place({}, loop_.now());
  group_.retire(metrics_);
  EXPECT_EQ(group_.idle(), 0U);
  place.server().give_back(connection(), loop_.now(), metrics_);
  EXPECT_EQ(group_.idle(), 0U);
}

}  // namespace
}  // namespace sluice::worker
