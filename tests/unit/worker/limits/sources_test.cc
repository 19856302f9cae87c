// Limits per source, and that nothing a client does makes the table grow.
#include "worker/limits/sources.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "worker/limits/limits.h"

namespace sluice::worker {
namespace {

using namespace std::chrono_literals;

SocketAddress at(std::string_view ip) {
  return {IpAddress::parse(ip).value(), 4711};
}
SocketAddress nth(std::uint32_t n) {
  return {IpAddress(std::array<std::uint8_t, 4>{10, static_cast<std::uint8_t>(n >> 16U),
                                                static_cast<std::uint8_t>(n >> 8U), static_cast<std::uint8_t>(n)}),
          1};
}

TEST(Sources, CountsConnectionsForAsLongAsTheyLive) {
  Sources sources({.connections = 2});
  Sources::Arrival first = sources.arrive(at("192.0.2.1"), 1s);
  const Sources::Arrival second = sources.arrive(at("192.0.2.1"), 1s);
  EXPECT_EQ(first.refused, Sources::Refusal::kNone);
  EXPECT_EQ(second.refused, Sources::Refusal::kNone);
  EXPECT_EQ(sources.arrive(at("192.0.2.1"), 1s).refused, Sources::Refusal::kConnections);
  EXPECT_EQ(sources.arrive(at("192.0.2.2"), 1s).refused, Sources::Refusal::kNone) << "somebody else";
  first.visit = {};
  EXPECT_EQ(sources.arrive(at("192.0.2.1"), 1s).refused, Sources::Refusal::kNone);
}

TEST(Sources, AVisitMayMove) {
  Sources sources({.connections = 1});
  Sources::Visit kept;
  {
    Sources::Arrival arrival = sources.arrive(at("192.0.2.1"), 1s);
    kept = std::move(arrival.visit);
  }
  EXPECT_EQ(sources.arrive(at("192.0.2.1"), 1s).refused, Sources::Refusal::kConnections);
}

TEST(Sources, AnIpv6ClientIsItsNetworkOf64Bits) {
  Sources sources({.connections = 1});
  const Sources::Arrival arrival = sources.arrive(at("2001:db8:1:2::1"), 1s);
  EXPECT_EQ(sources.arrive(at("2001:db8:1:2:ffff::9"), 1s).refused, Sources::Refusal::kConnections);
  EXPECT_EQ(sources.arrive(at("2001:db8:1:3::1"), 1s).refused, Sources::Refusal::kNone);
}

TEST(Sources, AnIpv4ClientIsTheSameOverIpv6) {
  Sources sources({.connections = 1});
  const Sources::Arrival arrival = sources.arrive(at("::ffff:192.0.2.1"), 1s);
  EXPECT_EQ(sources.arrive(at("192.0.2.1"), 1s).refused, Sources::Refusal::kConnections);
  EXPECT_EQ(sources.arrive(at("::c000:201"), 1s).refused, Sources::Refusal::kNone) << "another address, same bits";
}

TEST(Sources, LimitsNewConnectionsAndRequestsApart) {
  Sources sources({.connection_rate = Rate(1, 2), .request_rate = Rate(10, 1)});
  for (int i = 0; i < 2; ++i) EXPECT_EQ(sources.arrive(at("192.0.2.1"), 1s).refused, Sources::Refusal::kNone);
  EXPECT_EQ(sources.arrive(at("192.0.2.1"), 1s).refused, Sources::Refusal::kRate);
  EXPECT_EQ(sources.request(at("192.0.2.1"), 1s), 0ns);
  EXPECT_EQ(sources.request(at("192.0.2.1"), 1s), 100ms);
  EXPECT_EQ(sources.request(at("192.0.2.2"), 1s), 0ns);
  EXPECT_EQ(sources.arrive(at("192.0.2.1"), 2s).refused, Sources::Refusal::kNone);
}

TEST(Sources, ExemptNetworksAndUnixSocketsHaveNoLimits) {
  Sources sources({.connections = 1, .request_rate = Rate(1, 1), .exempt = Networks::parse({"192.0.2.0/24"}).value()});
  std::vector<Sources::Arrival> arrivals;
  for (const SocketAddress& from : {at("192.0.2.1"), at("::ffff:192.0.2.1"), SocketAddress::unix_path({})}) {
    for (int i = 0; i < 5; ++i) {
      arrivals.push_back(sources.arrive(from, 1s));
      EXPECT_EQ(arrivals.back().refused, Sources::Refusal::kNone);
      EXPECT_EQ(sources.request(from, 1s), 0ns);
    }
  }
  EXPECT_EQ(sources.size(), 0U);
}

TEST(Sources, ASprayOfAddressesDoesNotMakeItGrow) {
  Sources sources({.connections = 1, .request_rate = Rate(1, 1), .remembered = 100});
  std::vector<Sources::Visit> living;
  for (std::uint32_t i = 0; i < 50; ++i) living.push_back(std::move(sources.arrive(nth(i), 1s).visit));
  for (std::uint32_t i = 100; i < 20'000; ++i) {
    EXPECT_EQ(sources.arrive(nth(i), 1s).refused, Sources::Refusal::kNone);
    EXPECT_EQ(sources.request(nth(i), 1s), 0ns);
    ASSERT_LE(sources.size(), 150U);
  }
  for (std::uint32_t i = 0; i < 50; ++i)
    EXPECT_EQ(sources.arrive(nth(i), 1s).refused, Sources::Refusal::kConnections)
        << "who is connected is not forgotten";
  EXPECT_EQ(sources.request(nth(19'999), 1s), 1s) << "nor who was heard of last";
  EXPECT_EQ(sources.request(nth(100), 1s), 0ns) << "but who was heard of long ago";
  living.clear();
  EXPECT_LE(sources.size(), 100U);
}

TEST(Limits, ASourceOverItsRateTakesNothingOfEverybodys) {
  ipc::LimitSettings settings;
  settings.request_rate = 3;
  settings.source.request_rate = 1;
  settings.source.exempt = {"198.51.100.0/24"};
  Limits limits(settings, Limits::source_limits(settings.source).value());
  EXPECT_TRUE(limits.on_requests());
  EXPECT_FALSE(limits.request(at("192.0.2.1"), 1s));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(limits.request(at("192.0.2.1"), 1s)->reason, RequestRefused::kSourceRate);
  EXPECT_FALSE(limits.request(at("192.0.2.2"), 1s));
  EXPECT_FALSE(limits.request(at("198.51.100.1"), 1s));
  EXPECT_EQ(limits.request(at("198.51.100.1"), 1s)->reason, RequestRefused::kTenantRate) << "exempt of the one only";
  EXPECT_FALSE(Limits(ipc::LimitSettings(), SourceLimits()).on_requests());
}

}  // namespace
}  // namespace sluice::worker
