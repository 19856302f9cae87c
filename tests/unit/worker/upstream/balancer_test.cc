// Who gets the next request, by each method.
#include "worker/offramp/balancer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace sluice::worker {
namespace {

using testing::ElementsAre;

// Servers named a, b, c, … with these weights.
class Team {
 public:
  explicit Team(std::vector<std::uint32_t> weights, ipc::Balance method = ipc::Balance::kRoundRobin) {
    for (std::size_t i = 0; i < weights.size(); ++i) {
      servers_.emplace_back(std::string(1, static_cast<char>('a' + i)), 80, 0, settings_);
      members.push_back({.server = &servers_.back(), .base_weight = weights[i], .weight = weights[i]});
    }
    balancer_.emplace(method, MemberList(members));
  }
  Member* pick(const Wanted& wanted = {}) { return balancer_->pick(wanted); }
  std::string name(const Member* member) { return member == nullptr ? "-" : member->server->host(); }
  std::string picks(int count) {
    std::string names;
    for (int i = 0; i < count; ++i) names += name(pick());
    return names;
  }
  Balancer& balancer() { return *balancer_; }

  std::vector<Member> members;

 private:
  ipc::OffRampSettings settings_;
  std::deque<OriginServer> servers_;
  std::optional<Balancer> balancer_;
};

TEST(Balancer, EqualsTakeTurns) {
  Team team({1, 1, 1});
  EXPECT_EQ(team.picks(6), "bcabca");
}

TEST(Balancer, WeightsAreSpreadSmoothly) {
  Team team({5, 1, 1});
  EXPECT_EQ(team.picks(7), "aabacaa");
  EXPECT_EQ(team.picks(7), "aabacaa");
}

TEST(Balancer, ADrainedServerGetsNothingAndTheOthersItsShare) {
  Team team({2, 1, 1});
  team.members[0].serving = false;
  const std::string names = team.picks(10);
  EXPECT_EQ(std::ranges::count(names, 'a'), 0);
  EXPECT_EQ(std::ranges::count(names, 'b'), 5);
  team.members[1].serving = team.members[2].serving = false;
  EXPECT_EQ(team.pick(), nullptr);
}

TEST(Balancer, AWeightThatChangesCountsAtOnce) {
  Team team({1, 1});
  team.members[0].weight = 3;
  team.balancer().weights_changed();
  const std::string names = team.picks(8);
  EXPECT_EQ(std::ranges::count(names, 'a'), 6);
}

TEST(Balancer, ATriedServerIsPassedOverByEveryMethod) {
  for (const auto method :
       {ipc::Balance::kRoundRobin, ipc::Balance::kLeastRequests, ipc::Balance::kTwoRandom, ipc::Balance::kHash}) {
    Team team({1, 1, 1}, method);
    const std::vector<const Member*> tried = {&team.members[0], &team.members[2]};
    for (int i = 0; i < 20; ++i) EXPECT_EQ(team.name(team.pick({.key = 7, .tried = tried})), "b");
  }
}

TEST(Balancer, LeastRequestsLooksAtPlacesForTheWeight) {
  Team team({1, 2, 1}, ipc::Balance::kLeastRequests);
  team.members[0].places = 3;
  team.members[1].places = 6;
  team.members[2].places = 3;
  EXPECT_EQ(team.name(team.pick()), "b");  // 7/2 is less than 4/1
  team.members[2].places = 2;
  EXPECT_EQ(team.name(team.pick()), "c");
}

TEST(Balancer, LeastRequestsLetsEqualsTakeTurns) {
  Team team({1, 1, 1}, ipc::Balance::kLeastRequests);
  EXPECT_EQ(team.picks(6), "bcabca");
}

TEST(Balancer, TwoRandomKeepsAwayFromTheBusiest) {
  Team team({1, 1, 1, 1}, ipc::Balance::kTwoRandom);
  for (int i = 0; i < 4000; ++i) {
    Member* const member = team.pick();
    ASSERT_NE(member, nullptr);
    ++member->places;
  }
  for (const Member& member : team.members) EXPECT_NEAR(member.places, 1000, 20);
}

TEST(Balancer, TwoRandomFindsTheOnlyOneWithRoom) {
  Team team(std::vector<std::uint32_t>(20, 1), ipc::Balance::kTwoRandom);
  for (Member& member : team.members) member.limit = member.places = 1;
  team.members[13].places = 0;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(team.pick(), &team.members[13]);
}

// Where keys 0 … 9999 go.
std::map<std::uint64_t, std::string> owners(Team& team) {
  std::map<std::uint64_t, std::string> found;
  for (std::uint64_t i = 0; i < 10'000; ++i) found[i] = team.name(team.pick({.key = stable_hash(std::to_string(i))}));
  return found;
}

TEST(Balancer, AKeyStaysWithItsServer) {
  Team team({1, 1, 1}, ipc::Balance::kHash);
  Team other_worker({1, 1, 1}, ipc::Balance::kHash);
  EXPECT_EQ(owners(team), owners(other_worker));
}

TEST(Balancer, KeysAreSharedOutByWeight) {
  Team team({1, 1, 2}, ipc::Balance::kHash);
  std::map<std::string, int> shares;
  for (const auto& [key, owner] : owners(team)) ++shares[owner];
  EXPECT_NEAR(shares["a"], 2500, 500);
  EXPECT_NEAR(shares["b"], 2500, 500);
  EXPECT_NEAR(shares["c"], 5000, 700);
}

TEST(Balancer, WhenAServerLeavesOnlyItsKeysMove) {
  Team team({1, 1, 1, 1, 1}, ipc::Balance::kHash);
  const auto before = owners(team);
  team.members[2].serving = false;
  const auto after = owners(team);
  std::map<std::string, int> inherited;
  for (const auto& [key, owner] : before) {
    if (owner != "c") {
      EXPECT_EQ(after.at(key), owner);
    } else {
      ++inherited[after.at(key)];
    }
  }
  EXPECT_EQ(inherited.size(), 4U);  // to all the others, not to one
  EXPECT_EQ(inherited.count("c"), 0U);
}

TEST(Balancer, ANewServerTakesOnlyItsShare) {
  Team four({1, 1, 1, 1}, ipc::Balance::kHash);
  Team five({1, 1, 1, 1, 1}, ipc::Balance::kHash);
  const auto before = owners(four);
  int moved = 0;
  for (const auto& [key, owner] : owners(five)) {
    if (before.at(key) == owner) continue;
    EXPECT_EQ(owner, "e");
    ++moved;
  }
  EXPECT_NEAR(moved, 2000, 500);
}

TEST(Balancer, ARequestWithoutAKeyTakesItsTurn) {
  Team team({1, 1, 1}, ipc::Balance::kHash);
  EXPECT_EQ(team.picks(3), "bca");
}

TEST(HashRing, ManyServersWithOddWeightsStayBounded) {
  std::vector<std::string> names;
  for (int i = 0; i < 500; ++i) names.push_back("server" + std::to_string(i));
  std::vector<HashRing::Server> servers;
  for (std::size_t i = 0; i < names.size(); ++i)
    servers.push_back({.name = names[i], .weight = static_cast<std::uint32_t>(500 + i)});
  const HashRing ring(servers);
  EXPECT_LE(ring.points(), (std::size_t{1} << 20U) + names.size());
  EXPECT_EQ(ring.find(42, [](std::size_t) { return false; }), SIZE_MAX);
}

}  // namespace
}  // namespace sluice::worker
