// Upgrades of the program `sluice` with an application that does what each test's script says: what can go wrong goes
// wrong here, and every time the old generation must go on as if nothing had been, the caller must hear what it was,
// and the next good upgrade must work.
#include <arpa/inet.h>
#include <sys/socket.h>

#include "tests/supervisor/fixture.h"

namespace sluice {
namespace {
using testing::HasSubstr;

class UpgradeTest : public SupervisorTest {
 protected:
  void start_with(const json& upgrade) {
    start("", {{"upgrade", upgrade}});
    wait_for("ready");
    old_ = worker_pid();
  }
  void start_usual() {
    start_with(
        {{"probation", "0s"}, {"drain", {{"tunnel", "2s"}, {"upload", "2s"}, {"request", "2s"}, {"idle", "2s"}}}});
  }

  // The configuration with another script: other settings, so other workers.
  json upgrade_to(const std::string& script, const json& arguments = json::object()) {
    config_["tenants"][0]["settings"]["script"] = script;
    write_config();
    return upgrade(arguments);
  }
  [[nodiscard]] json upgrade(const json& arguments = json::object()) const {
    json request = {{"command", "upgrade"}};
    request.update(arguments);
    return ask(request);
  }
  [[nodiscard]] int worker_pid() const {
    for (const json& worker : ask({{"command", "workers"}})["workers"])
      if (worker["state"] == "ready") return worker["pid"].get<int>();
    return 0;
  }
  [[nodiscard]] json status() const { return ask({{"command", "status"}}); }

  // What every failure must leave behind.
  void expect_untouched() {
    EXPECT_EQ(worker_pid(), old_);
    EXPECT_EQ(status()["ready"], true);
    EXPECT_TRUE(eventually([&] { return status()["generations"].size() == 1; })) << status().dump();
    const json good = upgrade_to("another");
    EXPECT_EQ(good.value("outcome", ""), "done") << good.dump();
    EXPECT_NE(worker_pid(), old_);
  }

  int old_ = 0;
};

TEST_F(UpgradeTest, NewSettingsComeWithNewWorkersAndTheOldOnesLeave) {
  start_usual();
  const json done = upgrade_to("another");
  EXPECT_EQ(done["outcome"], "done") << done.dump();
  EXPECT_EQ(done["exit_code"], 0);
  EXPECT_EQ(done["phase"], "ended");
  EXPECT_EQ(done["to"], 2);
  EXPECT_NE(worker_pid(), old_);
  EXPECT_TRUE(eventually([&] { return ::kill(old_, 0) != 0; }));
  EXPECT_EQ(status()["generation"], 2);
  EXPECT_EQ(status()["generations"].size(), 1U);
  ::kill(pid_, SIGTERM);
  EXPECT_EQ(exit_status(), 0);
  EXPECT_EQ(log("coroutine frames left").size(), 0U);
}

TEST_F(UpgradeTest, SighupIsTheSamePath) {
  start_usual();
  config_["tenants"][0]["settings"]["script"] = "another";
  write_config();
  ::kill(pid_, SIGHUP);
  EXPECT_EQ(wait_for("upgrade decided")["outcome"], "done");
  EXPECT_EQ(ask({{"command", "upgrades"}})["upgrades"][0]["why"], "SIGHUP");
}

TEST_F(UpgradeTest, NothingNewIsNothingToDoUnlessForced) {
  start_usual();
  EXPECT_EQ(upgrade()["outcome"], "unchanged");
  EXPECT_EQ(worker_pid(), old_);
  EXPECT_EQ(upgrade({{"force", true}})["outcome"], "done");
  EXPECT_NE(worker_pid(), old_);
}

TEST_F(UpgradeTest, AnotherLogLevelNeedsNoNewWorkers) {
  start_usual();
  config_["log"]["level"] = "error";
  write_config();
  const json done = upgrade();
  EXPECT_EQ(done["outcome"], "in_place") << done.dump();
  EXPECT_EQ(done["changes"], json::array({"log.level"}));
  EXPECT_EQ(worker_pid(), old_);
  EXPECT_EQ(status()["log_level"], "error");
}

TEST_F(UpgradeTest, ABrokenConfigurationIsRefusedWithItsProblems) {
  start_usual();
  const json refused = upgrade_to("unknown");
  EXPECT_EQ(refused["outcome"], "bad_configuration");
  EXPECT_EQ(refused["exit_code"], 10);
  EXPECT_EQ(refused["problems"][0]["path"], "tenants[0].settings.script");
  std::ofstream(folder_ + "/sluice.json") << "tenants: [";
  EXPECT_EQ(upgrade()["outcome"], "bad_configuration");
  expect_untouched();
}

TEST_F(UpgradeTest, AConfigurationThatCannotBeReadIsRefused) {
  start_usual();
  std::filesystem::remove(folder_ + "/sluice.json");
  const json refused = upgrade();
  EXPECT_EQ(refused["outcome"], "unreadable_file") << refused.dump();
  EXPECT_EQ(refused["exit_code"], 24);
  EXPECT_THAT(refused.value("reason", ""), HasSubstr("ENOENT"));
  json& pages = config_["tenants"][0]["endpoints"][0]["error_pages"];
  pages = {{{"file", "/nowhere/error.html"}}};
  write_config();
  EXPECT_EQ(upgrade()["outcome"], "unreadable_file");
  config_["tenantz"] = 1;
  write_config();
  EXPECT_EQ(upgrade()["outcome"], "bad_configuration") << "that is not all that is wrong with it";
  config_.erase("tenantz");
  config_["tenants"][0]["endpoints"][0].erase("error_pages");
  expect_untouched();
}

TEST_F(UpgradeTest, WhatOnlyAStartCanChangeIsSaid) {
  start_usual();
  config_["control"]["group"] = "0";
  write_config();
  const json refused = upgrade();
  EXPECT_EQ(refused["outcome"], "needs_restart") << refused.dump();
  EXPECT_THAT(refused.value("reason", ""), HasSubstr("control.group"));
  config_["control"].erase("group");
  expect_untouched();
}

TEST_F(UpgradeTest, APortInUseIsFoundBeforeAnythingIsStarted) {
  start_usual();
  const Fd stranger(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(stranger.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(stranger.get(), 1), 0);
  ASSERT_EQ(::getsockname(stranger.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string taken = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  json& listen = config_["tenants"][0]["endpoints"][0]["listen"];
  listen.push_back(taken);
  write_config();
  const json refused = upgrade();
  EXPECT_EQ(refused["outcome"], "no_address") << refused.dump();
  EXPECT_THAT(refused.value("reason", ""), HasSubstr(taken));
  listen.erase(1);
  expect_untouched();
}

TEST_F(UpgradeTest, AWorkerThatSaysWhyItCannotStart) {
  start_usual();
  const json refused = upgrade_to("cannot start");
  EXPECT_EQ(refused["outcome"], "crashed");
  EXPECT_THAT(refused.value("reason", ""), HasSubstr("the moon is in the wrong place"));
  expect_untouched();
}

TEST_F(UpgradeTest, AWorkerThatDiesAtTheStart) {
  start_usual();
  const json refused = upgrade_to("abort at start");
  EXPECT_EQ(refused["outcome"], "crashed");
  EXPECT_THAT(refused["last_words"].dump(), HasSubstr("something terrible: 42"));
  expect_untouched();
}

TEST_F(UpgradeTest, AWorkerThatEndsAtOnceWithoutAnError) {
  start_usual();
  const json refused = upgrade_to("ends at once");
  EXPECT_EQ(refused["outcome"], "quit") << refused.dump();
  EXPECT_EQ(refused["exit_code"], 25);
  expect_untouched();
}

TEST_F(UpgradeTest, AWorkerThatHangs) {
  start_usual();
  config_["restart_policy"]["ready_timeout"] = "500ms";
  const auto since = std::chrono::steady_clock::now();
  const json refused = upgrade_to("never ready");
  EXPECT_EQ(refused["outcome"], "not_ready") << refused.dump();
  EXPECT_LT(std::chrono::steady_clock::now() - since, std::chrono::seconds(5));
  expect_untouched();
}

TEST_F(UpgradeTest, CrashesInTheProbationGiveTheSocketsBack) {
  start_with({{"probation", "10s"}});
  const json back = upgrade_to("dies when it accepts");
  EXPECT_EQ(back["outcome"], "rolled_back") << back.dump();
  EXPECT_EQ(back["exit_code"], 16);
  EXPECT_EQ(worker_pid(), old_);
  EXPECT_EQ(status()["generation"], 1);
  EXPECT_EQ(status()["ready"], true);
  EXPECT_TRUE(eventually([&] { return status()["generations"].size() == 1; })) << status().dump();
  config_["upgrade"]["probation"] = "0s";
  EXPECT_EQ(upgrade_to("another")["outcome"], "done");
}

TEST_F(UpgradeTest, OneCrashInTheProbationIsForgiven) {
  start_with({{"probation", "1s"}});
  config_["tenants"][0]["settings"]["script"] = "another";
  write_config();
  ::kill(pid_, SIGHUP);
  wait_for("generation serves");
  ASSERT_TRUE(eventually([&] { return worker_pid() != old_ && worker_pid() != 0; }));
  for (const json& worker : ask({{"command", "workers"}})["workers"])
    if (worker["generation"] == 2) ::kill(worker["pid"].get<int>(), SIGKILL);
  EXPECT_EQ(wait_for("upgrade decided")["outcome"], "done");
}

TEST_F(UpgradeTest, AStormOfRequestsIsTwoUpgrades) {
  start_usual();
  std::vector<std::thread> callers;
  std::vector<json> heard(20);
  for (json& mine : heard) callers.emplace_back([&] { mine = upgrade({{"force", true}, {"until", "probation"}}); });
  for (int i = 0; i < 1000; ++i) ::kill(pid_, SIGHUP);
  for (std::thread& caller : callers) caller.join();
  for (const json& mine : heard) EXPECT_EQ(mine.value("outcome", ""), "done") << mine.dump();
  EXPECT_TRUE(eventually([&] { return status()["generations"].size() == 1; }));
  // SIGHUPs that came after the last forced one had begun may be looked at once more, and find nothing new
  std::size_t made = 0;
  for (const json& one : ask({{"command", "upgrades"}})["upgrades"])
    if (one["to"] != 0) ++made;
  EXPECT_LE(made, 3U);
  EXPECT_LE(ask({{"command", "upgrades"}})["upgrades"].size(), 4U);
}

TEST_F(UpgradeTest, TooManyOldGenerationsRefuseANewOne) {
  start("hangs at the end", {{"upgrade", {{"probation", "0s"}, {"draining", 1}}}});
  wait_for("ready");
  old_ = worker_pid();
  config_["tenants"][0]["settings"]["more"] = 1;
  write_config();
  EXPECT_EQ(upgrade({{"until", "probation"}})["outcome"], "done");
  ASSERT_TRUE(eventually([&] { return status()["generations"][0]["state"] == "draining"; }));
  EXPECT_EQ(upgrade({{"until", "probation"}, {"force", true}})["outcome"], "too_many_generations");
  // the policy itself is changed in place, and then the oldest has to go
  config_["upgrade"]["at_limit"] = "cut_oldest";
  write_config();
  EXPECT_EQ(upgrade({{"until", "probation"}})["outcome"], "in_place");
  EXPECT_EQ(upgrade({{"until", "probation"}, {"force", true}})["outcome"], "done");
  EXPECT_TRUE(eventually([&] { return ::kill(old_, 0) != 0; })) << "the oldest is still there";
}

TEST_F(UpgradeTest, AStopDuringAnUpgradeEndsBoth) {
  start_usual();
  config_["restart_policy"]["ready_timeout"] = "60s";
  json heard;
  std::thread caller([&] { heard = upgrade_to("never ready"); });
  ASSERT_TRUE(eventually([&] { return log("upgrade phase").size() >= 2; }));
  ::kill(pid_, SIGTERM);
  EXPECT_EQ(exit_status(), 0);
  caller.join();
  EXPECT_EQ(heard.value("outcome", ""), "stopping") << heard.dump();
  EXPECT_EQ(log("coroutine frames left").size(), 0U);
}

TEST_F(UpgradeTest, AStopDuringTheProbationDrainsBothGenerations) {
  start_with({{"probation", "60s"}});
  (void)upgrade_to("another", {{"until", "commit"}});
  ASSERT_EQ(status()["generations"].size(), 2U);
  ::kill(pid_, SIGTERM);
  EXPECT_EQ(exit_status(), 0);
  EXPECT_EQ(log("worker drained").size(), 2U);
}

TEST_F(UpgradeTest, AnUpgradeDuringAStopIsRefused) {
  start("hangs at the end", {{"shutdown", {{"drain", "1s"}}}});
  wait_for("ready");
  ::kill(pid_, SIGTERM);
  wait_for("stopping");
  EXPECT_EQ(upgrade()["outcome"], "stopping");
  EXPECT_EQ(exit_status(), 0);
}

TEST_F(UpgradeTest, MoreAndFewerWorkersServeTheSameSockets) {
  start_usual();
  const std::string address = status()["listeners"][0]["address"];
  for (const int workers : {4, 1, 3}) {
    config_["tenants"][0]["workers"] = workers;
    write_config();
    const json done = upgrade();
    EXPECT_EQ(done["outcome"], "done") << done.dump();
    EXPECT_EQ(ask({{"command", "workers"}})["workers"].size(), static_cast<std::size_t>(workers));
    EXPECT_EQ(status()["listeners"][0]["address"], address);
  }
}

}  // namespace
}  // namespace sluice
