// What the health of its servers means for a group.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "worker/offramp/upstream.h"

namespace sluice::worker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Nanos kSecond = std::chrono::seconds(1);
constexpr Nanos at(int seconds) {
  return 1000 * kSecond + seconds * kSecond;
}

class UpstreamHealthTest : public testing::Test, private UpstreamWatcher {
 protected:
  UpstreamGroup& make(std::size_t servers) {
    settings_.name = "group";
    for (std::size_t i = 0; i < servers; ++i)
      settings_.servers.push_back(std::string(1, static_cast<char>('a' + i)) + ":80");
    group_.emplace(settings_, 0);
    group_->tell(*this);
    return *group_;
  }
  void fail(std::size_t member, int times, Nanos now) {
    for (int i = 0; i < times; ++i) group_->failed(group_->members().at(member), Error(Code::kRefused), now);
  }
  // Who gets so many requests.
  std::string asked(int count, Nanos now) {
    std::string names;
    for (int i = 0; i < count; ++i) {
      const Place place = group_->take_place({}, now);
      names += place ? place.server().host() : "-";
    }
    return names;
  }

  ipc::UpstreamSettings settings_;
  std::optional<UpstreamGroup> group_;
  std::vector<std::string> events_;

 private:
  void happened(const UpstreamGroup& /*group*/, const Member* member, UpstreamEvent event, const Error* why) override {
    constexpr std::array<std::string_view, 7> kNames = {"ejected", "returned", "down",   "up",
                                                        "panic",   "calm",     "circuit"};
    events_.push_back((member == nullptr ? "group" : member->server->host()) + " " +
                      std::string(kNames.at(static_cast<std::size_t>(event))) +
                      (why == nullptr ? "" : " by " + why->message()));
  }
};

TEST_F(UpstreamHealthTest, AServerThatFailsIsLeftOutForAWhile) {
  make(3);
  fail(0, 5, at(0));
  EXPECT_THAT(events_, ElementsAre("a ejected by refused"));
  EXPECT_EQ(asked(4, at(1)), "bcbc");
  EXPECT_EQ(asked(3, at(10)), "abc");
  EXPECT_THAT(events_, ElementsAre("a ejected by refused", "a returned"));
  EXPECT_EQ(group_->members()[0].last_error, Code::kRefused);
}

TEST_F(UpstreamHealthTest, WhenTooFewAreWellAllServe) {
  make(3);
  fail(0, 5, at(0));
  events_.clear();
  fail(1, 5, at(0));
  EXPECT_THAT(events_, ElementsAre("b ejected by refused", "group panic"));
  EXPECT_EQ(asked(3, at(1)), "bca");
}

TEST_F(UpstreamHealthTest, TheOnlyServerIsNeverEjected) {
  make(1);
  fail(0, 50, at(0));
  EXPECT_THAT(events_, IsEmpty());
  EXPECT_EQ(asked(1, at(0)), "a");
}

TEST_F(UpstreamHealthTest, WithoutPanicNobodyServesWhenNobodyIsWell) {
  settings_.health.panic_threshold = 0;
  make(2);
  fail(0, 5, at(0));
  fail(1, 5, at(0));
  EXPECT_FALSE(group_->serves());
  EXPECT_EQ(asked(1, at(0)), "-");
  EXPECT_EQ(asked(2, at(10)), "ba");
}

TEST_F(UpstreamHealthTest, ProbesTakeAServerOutAndBackIn) {
  make(2);
  Member& member = group_->members()[0];
  for (int i = 0; i < 3; ++i) group_->probed(member, sluice::fail(Code::kTimeout, "no answer"), at(i));
  EXPECT_EQ(asked(2, at(3)), "bb");
  for (int i = 0; i < 2; ++i) group_->probed(member, Result<>(), at(4 + i));
  EXPECT_THAT(events_, ElementsAre("a down by no answer", "a up"));
  EXPECT_EQ(group_->well(), 2U);
}

TEST_F(UpstreamHealthTest, AServerThatIsBackGetsItsShareSlowly) {
  settings_.health.slow_start = Milliseconds(20'000);
  make(2);
  fail(0, 5, at(0));
  const auto share = [&](Nanos now) {
    const std::string names = asked(110, now);
    return std::ranges::count(names, 'a');
  };
  EXPECT_EQ(share(at(5)), 0);
  EXPECT_NEAR(share(at(10)), 10, 2);
  EXPECT_NEAR(share(at(20)), 37, 3);
  EXPECT_NEAR(share(at(30)), 55, 1);
}

TEST_F(UpstreamHealthTest, ADrainedServerIsNotCountedAmongTheWell) {
  settings_.server_options["c:80"].state = ipc::ServerState::kDrain;
  make(3);
  EXPECT_EQ(group_->well(), 2U);
  fail(0, 5, at(0));
  EXPECT_FALSE(group_->panics());  // one of two, not of three
  EXPECT_EQ(asked(2, at(0)), "bb");
}

TEST_F(UpstreamHealthTest, TheCircuitTurnsRequestsAway) {
  settings_.circuit = {.enabled = true, .min_requests = 4, .open_time = std::chrono::seconds(5), .trials = 1};
  settings_.health.passive.enabled = false;
  make(2);
  EXPECT_TRUE(group_->admits(at(0)));
  fail(0, 4, at(0));
  EXPECT_FALSE(group_->admits(at(1)));
  EXPECT_TRUE(group_->admits(at(5)));
  group_->succeeded(group_->members()[0], at(6));
  EXPECT_TRUE(group_->admits(at(6)));
  EXPECT_THAT(events_, ElementsAre("group circuit", "group circuit", "group circuit"));
}

}  // namespace
}  // namespace sluice::worker
