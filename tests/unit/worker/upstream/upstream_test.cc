// The limits of a group, as places.
#include "worker/offramp/upstream.h"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::worker {
namespace {

ipc::UpstreamSettings group_of(std::size_t servers) {
  ipc::UpstreamSettings settings;
  settings.name = "group";
  for (std::size_t i = 0; i < servers; ++i) settings.servers.push_back("127.0.0.1:" + std::to_string(8001 + i));
  return settings;
}

TEST(UpstreamGroup, GivesPlacesToItsServersInTurn) {
  const ipc::UpstreamSettings settings = group_of(3);
  UpstreamGroup group(settings, 0);
  std::vector<std::uint16_t> ports;
  for (int i = 0; i < 6; ++i) ports.push_back(group.take_place({}, Nanos(0)).server().port());
  EXPECT_EQ(ports, (std::vector<std::uint16_t>{8002, 8003, 8001, 8002, 8003, 8001}));
  EXPECT_EQ(group.places(), 0U);
}

TEST(UpstreamGroup, AFullServerIsPassedOver) {
  ipc::UpstreamSettings settings = group_of(2);
  settings.off_ramp.pool.max_connections = 1;
  UpstreamGroup group(settings, 0);
  const Place first = group.take_place({}, Nanos(0));
  {
    const Place second = group.take_place({}, Nanos(0));
    ASSERT_TRUE(second);
    EXPECT_NE(first.server().port(), second.server().port());
    EXPECT_FALSE(group.take_place({}, Nanos(0)));
  }
  EXPECT_TRUE(group.take_place({}, Nanos(0)));
}

TEST(UpstreamGroup, TheSmallerLimitOfTheGroupCounts) {
  ipc::UpstreamSettings settings = group_of(2);
  settings.max_requests = 3;
  settings.max_connections = 2;
  UpstreamGroup group(settings, 0);
  std::vector<Place> places;
  for (int i = 0; i < 2; ++i) {
    places.push_back(group.take_place({}, Nanos(0)));
    EXPECT_TRUE(places.back());
  }
  EXPECT_FALSE(group.take_place({}, Nanos(0)));
  places.clear();
  EXPECT_TRUE(group.take_place({}, Nanos(0)));
}

TEST(UpstreamGroup, AMovedPlaceIsGivenBackOnce) {
  const ipc::UpstreamSettings settings = group_of(1);
  UpstreamGroup group(settings, 0);
  {
    Place place = group.take_place({}, Nanos(0));
    Place moved = std::move(place);
    EXPECT_TRUE(moved);
    EXPECT_EQ(group.places(), 1U);
    moved = Place();
    EXPECT_EQ(group.places(), 0U);
  }
  EXPECT_EQ(group.places(), 0U);
}

TEST(UpstreamGroup, AForwardOriginIsAGroupOfOne) {
  const ipc::UpstreamSettings settings;
  UpstreamGroup group(settings, "origin.example", 81);
  EXPECT_EQ(group.members().size(), 1U);
  EXPECT_EQ(group.index(), kNoUpstream);
  const Place place = group.take_place({}, Nanos(0));
  EXPECT_EQ(place.server().host(), "origin.example");
  EXPECT_EQ(place.server().port(), 81);
}

}  // namespace
}  // namespace sluice::worker
