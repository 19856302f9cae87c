#include "worker/onramp/udp/relay.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <string_view>

namespace sluice::worker {
namespace {

class RelayTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    there_.set_inbox(Fd(ends[0]));
    to_ = here_.add_peer(kThere, Fd(ends[1]));
  }
  static constexpr WorkerId kHere{.generation = 1, .worker = 0};
  static constexpr WorkerId kThere{.generation = 2, .worker = 3};
  Relay here_{kHere};
  Relay there_{kThere};
  FlowOwner to_ = 0;
};

TEST_F(RelayTest, PassesADatagramOnWithWhereItCameFrom) {
  DatagramKey key;
  key.source_port = 4711;
  const std::string text(60'000, 'x');
  ASSERT_EQ(here_.send(to_, {.kind = Relay::Kind::kDatagram, .socket = 7, .about = {}, .key = key}, text),
            Relay::Sent::kYes);
  const auto packet = there_.receive();
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->header.kind, Relay::Kind::kDatagram);
  EXPECT_EQ(packet->header.socket, 7U);
  EXPECT_EQ(packet->header.key, key);
  EXPECT_EQ(std::string_view(packet->payload.data(), packet->payload.size()), text);
  EXPECT_FALSE(there_.receive());
}

TEST_F(RelayTest, ListsFlowsAndTheirOwner) {
  std::vector<Relay::Claim> claims(3);
  claims[2].key.source_port = 9;
  claims[2].last_seen = 12;
  const std::span<const char> bytes(reinterpret_cast<const char*>(claims.data()), claims.size() * sizeof claims[0]);
  ASSERT_EQ(here_.send(to_, {.kind = Relay::Kind::kClaims, .socket = 1, .about = kHere, .key = {}}, bytes),
            Relay::Sent::kYes);
  const auto packet = there_.receive();
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->header.about, kHere);
  const std::vector<Relay::Claim> told = Relay::claims_in(packet->payload);
  ASSERT_EQ(told.size(), 3U);
  EXPECT_EQ(told[2].key.source_port, 9);
  EXPECT_EQ(told[2].last_seen, 12);
}

TEST_F(RelayTest, NamesPeersAsLongAsTheyLive) {
  EXPECT_EQ(here_.owner_of(kHere), kOurs);
  EXPECT_EQ(here_.owner_of(kThere), to_);
  EXPECT_EQ(here_.owner_of({.generation = 9, .worker = 9}), std::nullopt);
  EXPECT_EQ(here_.living().size(), 1U);
  there_.set_inbox(Fd());
  EXPECT_EQ(here_.send(to_, {}, {}), Relay::Sent::kGone);
  EXPECT_EQ(here_.owner_of(kThere), std::nullopt);
  EXPECT_TRUE(here_.living().empty());
}

TEST_F(RelayTest, SkipsWhatMakesNoSense) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
  const Fd writer(ends[1]);
  there_.set_inbox(Fd(ends[0]));
  ASSERT_EQ(::send(writer.get(), "short", 5, 0), 5);
  Relay::Header wrong{};
  wrong.kind = static_cast<Relay::Kind>(77);
  ASSERT_GT(::send(writer.get(), &wrong, sizeof wrong, 0), 0);
  const Relay::Header right{.kind = Relay::Kind::kHanded, .socket = 5, .about = {}, .key = {}};
  ASSERT_GT(::send(writer.get(), &right, sizeof right, 0), 0);
  const auto packet = there_.receive();
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->header.socket, 5U);
}

}  // namespace
}  // namespace sluice::worker
