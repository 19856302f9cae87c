#include "restart/handover.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::restart {
namespace {

MovedConnection idle() {
  MovedConnection state;
  state.id = 77;
  state.endpoint = "web";
  state.peer = "192.0.2.1:4711";
  state.started_unix_ms = 1'700'000'000'000;
  state.age_ns = 5;
  state.requests = 3;
  state.read = std::string("GET / HT\0\xff", 10);
  return state;
}

MovedConnection tunnel() {
  MovedConnection state = idle();
  state.read.clear();
  MovedTunnel one;
  one.to_origin = std::string(MovedTunnel::kMostHeld, 'o');
  one.to_client = std::string(MovedTunnel::kMostHeld, 'c');
  one.client_ended = true;
  one.bytes_to_client = 1ULL << 40U;
  one.path = "/a?b=\x01";
  one.request_fields = {{.name = "user-agent", .value = "test"}};
  state.tunnel.push_back(one);
  return state;
}

template <class T>
T parcel_back(const T& parcel) {
  const Result<std::string> packet = encode(parcel);
  const Result<Parcel> back = decode_parcel(*packet);
  return std::get<T>(*back);
}

TEST(Handover, CarriesEveryParcel) {
  const Offer offer = parcel_back(Offer{.number = 9, .size = 1234, .version = 7});
  EXPECT_EQ(offer.number, 9U);
  EXPECT_EQ(offer.size, 1234U);
  EXPECT_EQ(offer.version, 7U) << "an offer of another version can be read, to be refused";
  EXPECT_EQ(parcel_back(Piece{.bytes = std::string("a\0b", 3)}).bytes, std::string("a\0b", 3));
  EXPECT_EQ(parcel_back(Taken{.number = 5}).number, 5U);
  EXPECT_EQ(parcel_back(Refused{.number = 5, .why = "full"}).why, "full");
}

TEST(Handover, RefusesPacketsThatAreCutOrTooLong) {
  for (const Parcel& parcel : {Parcel(Offer{.number = 9, .size = 1}), Parcel(Taken{.number = 5}),
                               Parcel(Refused{.number = 5, .why = "full"})}) {
    const std::string packet = *encode(parcel);
    for (std::size_t size = 0; size < packet.size(); ++size)
      EXPECT_FALSE(decode_parcel(packet.substr(0, size))) << size;
    EXPECT_FALSE(decode_parcel(packet + "x"));
  }
  EXPECT_FALSE(decode_parcel(std::string("\2\0", 2))) << "an empty piece";
  EXPECT_FALSE(decode_parcel(std::string("\2\0", 2) + std::string(kMostPiece + 1, 'x')));
  EXPECT_FALSE(decode_parcel(std::string("\x09\0abc", 5)));
}

TEST(Handover, RefusesOffersOfNoLegalSize) {
  EXPECT_FALSE(decode_parcel(*encode(Offer{.number = 1, .size = 0})));
  EXPECT_TRUE(decode_parcel(*encode(Offer{.number = 1, .size = kMostState})));
  EXPECT_FALSE(decode_parcel(*encode(Offer{.number = 1, .size = kMostState + 1})));
}

TEST(Handover, CarriesAnIdleConnection) {
  const Result<MovedConnection> back = decode_state(*encode_state(idle()));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->id, 77U);
  EXPECT_EQ(back->endpoint, "web");
  EXPECT_EQ(back->peer, "192.0.2.1:4711");
  EXPECT_EQ(back->requests, 3U);
  EXPECT_EQ(back->read, idle().read);
  EXPECT_EQ(back->descriptors(), 1U);
}

TEST(Handover, CarriesATunnelThatHoldsAllItMay) {
  const Result<MovedConnection> back = decode_state(*encode_state(tunnel()));
  ASSERT_TRUE(back);
  ASSERT_EQ(back->tunnel.size(), 1U);
  const MovedTunnel& one = back->tunnel.front();
  EXPECT_EQ(one.to_origin.size(), MovedTunnel::kMostHeld);
  EXPECT_EQ(one.to_client, tunnel().tunnel.front().to_client);
  EXPECT_TRUE(one.client_ended);
  EXPECT_FALSE(one.origin_ended);
  EXPECT_EQ(one.bytes_to_client, 1ULL << 40U);
  EXPECT_EQ(one.path, "/a?b=\x01");
  EXPECT_EQ(one.request_fields.front().value, "test");
  EXPECT_EQ(back->descriptors(), 2U);
}

TEST(Handover, DoesNotHandOverMoreThanMayBe) {
  MovedConnection state = tunnel();
  state.tunnel.front().to_client += "x";
  const Result<std::string> bytes = encode_state(state);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code(), Code::kTooLarge);
}

TEST(Handover, RefusesStatesThatAreCutOrContradictThemselves) {
  const std::string bytes = *encode_state(idle());
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_state(bytes.substr(0, size))) << size;
  EXPECT_FALSE(decode_state(bytes + "x"));
  MovedConnection both = tunnel();
  both.read = "GET";
  EXPECT_FALSE(decode_state(*encode_state(both)));
  MovedConnection two = tunnel();
  two.tunnel.push_back({});
  EXPECT_FALSE(encode_state(two));
}

}  // namespace
}  // namespace sluice::restart
