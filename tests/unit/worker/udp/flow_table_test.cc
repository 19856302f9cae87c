#include "worker/onramp/udp/flow_table.h"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::worker {
namespace {

DatagramKey key(std::uint16_t port) {
  DatagramKey key;
  key.source_port = port;
  key.local_port = 53;
  return key;
}

TEST(FlowTable, FindsWhatWasAddedAndNothingElse) {
  FlowTable flows(10'000);
  for (std::uint16_t port = 1; port <= 5'000; ++port) {
    Flow* const flow = flows.add(key(port), Nanos(port));
    ASSERT_NE(flow, nullptr);
    flow->socket = port;
  }
  for (std::uint16_t port = 1; port <= 5'000; ++port) {
    Flow* const flow = flows.find(key(port));
    ASSERT_NE(flow, nullptr) << port;
    EXPECT_EQ(flow->socket, port);
  }
  EXPECT_EQ(flows.find(key(5'001)), nullptr);
  EXPECT_EQ(flows.size(), 5'000U);
}

TEST(FlowTable, HasALimitAndTakesAgainWhatWasGivenBack) {
  FlowTable flows(2);
  ASSERT_NE(flows.add(key(1), Nanos(1)), nullptr);
  ASSERT_NE(flows.add(key(2), Nanos(2)), nullptr);
  EXPECT_EQ(flows.add(key(3), Nanos(3)), nullptr);
  flows.remove(*flows.find(key(1)));
  EXPECT_EQ(flows.find(key(1)), nullptr);
  ASSERT_NE(flows.add(key(3), Nanos(3)), nullptr);
  EXPECT_NE(flows.find(key(2)), nullptr);
}

TEST(FlowTable, KnowsWhoWasSilentLongest) {
  FlowTable flows(3);
  for (std::uint16_t port = 1; port <= 3; ++port) ASSERT_NE(flows.add(key(port), Nanos(port)), nullptr);
  flows.touch(*flows.find(key(1)), Nanos(4));
  EXPECT_EQ(flows.oldest()->key, key(2));
  flows.remove(*flows.oldest());
  EXPECT_EQ(flows.oldest()->key, key(3));
  flows.remove(*flows.oldest());
  flows.remove(*flows.oldest());
  EXPECT_EQ(flows.oldest(), nullptr);
}

TEST(FlowTable, RemovesByWish) {
  FlowTable flows(100);
  for (std::uint16_t port = 0; port < 100; ++port) ASSERT_NE(flows.add(key(port), Nanos(port)), nullptr);
  flows.remove_if([](Flow& flow) { return flow.key.source_port % 2 == 0; });
  EXPECT_EQ(flows.size(), 50U);
  std::vector<std::uint16_t> left;
  flows.each([&](Flow& flow) { left.push_back(flow.key.source_port); });
  ASSERT_EQ(left.size(), 50U);
  for (const std::uint16_t port : left) EXPECT_EQ(port % 2, 1);
}

}  // namespace
}  // namespace sluice::worker
