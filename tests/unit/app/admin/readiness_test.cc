// When /ready says yes, and what it says otherwise.
#include "app/admin/readiness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace sluice::admin {
namespace {

using nlohmann::json;

Health healthy() {
  return {.known = true,
          .tenants = {{.tenant = "acme", .workers = 2, .ready = 2}, {.tenant = "beta", .workers = 1, .ready = 1}}};
}

TEST(Readiness, IsTrueWhenEveryWorkerOfEveryTenantIsReady) {
  EXPECT_TRUE(is_ready(healthy()));
  const json said = json::parse(readiness_json(healthy()));
  EXPECT_EQ(said.at("ready"), true);
  EXPECT_EQ(said.at("tenants").size(), 2U);
  EXPECT_FALSE(said.contains("reasons"));
}

TEST(Readiness, NamesTheTenantThatIsNotReady) {
  Health health = healthy();
  health.tenants[0].ready = 1;
  EXPECT_FALSE(is_ready(health));
  const json said = json::parse(readiness_json(health));
  EXPECT_EQ(said.at("ready"), false);
  EXPECT_EQ(said.at("tenants").at(0),
            json({{"tenant", "acme"}, {"ready", false}, {"workers", 2}, {"workers_ready", 1}}));
  EXPECT_EQ(said.at("tenants").at(1).at("ready"), true);
  EXPECT_THAT(said.at("reasons"), testing::ElementsAre("tenant acme: 1 of 2 workers ready"));
}

TEST(Readiness, IsFalseWhileDrainingAndBeforeTheSupervisorHasSpoken) {
  Health draining = healthy();
  draining.draining = true;
  EXPECT_FALSE(is_ready(draining));
  EXPECT_THAT(json::parse(readiness_json(draining)).at("reasons"), testing::ElementsAre("draining"));
  EXPECT_FALSE(is_ready(Health{}));
  EXPECT_EQ(json::parse(readiness_json(Health{})).at("reasons").size(), 1U);
}

TEST(Readiness, ATenantWithoutWorkersIsNotReady) {
  Health health = healthy();
  health.tenants.push_back({.tenant = "gamma"});
  EXPECT_FALSE(is_ready(health));
}

}  // namespace
}  // namespace sluice::admin
