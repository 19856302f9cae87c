// The program `sluice` with an application that does what each test's script says: life, death and departure of workers
// as the log, the exit status and sluicectl tell them.
#include "tests/supervisor/fixture.h"

namespace sluice {
namespace {
using testing::HasSubstr;

TEST_F(SupervisorTest, BecomesReadyAndStopsAtOnceOnSigint) {
  start("");
  wait_for("ready");
  EXPECT_EQ(ask({{"command", "status"}})["ready"], true);
  ::kill(pid_, SIGINT);
  EXPECT_EQ(exit_status(), 0);
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/control.sock"));
  EXPECT_EQ(log("coroutine frames left").size(), 0U);
}

TEST_F(SupervisorTest, DrainsOnSigterm) {
  start("");
  wait_for("ready");
  ::kill(pid_, SIGTERM);
  EXPECT_EQ(exit_status(), 0);
  EXPECT_EQ(log("worker drained").size(), 1U);
}

TEST_F(SupervisorTest, KillsWhoDoesNotLeave) {
  start("hangs at the end", {{"shutdown", {{"drain", "100ms"}}}});
  wait_for("ready");
  ::kill(pid_, SIGTERM);
  EXPECT_EQ(exit_status(), 0);
  EXPECT_EQ(wait_for("stopped")["workers_killed"], 1);
}

TEST_F(SupervisorTest, AWorkerThatSaysWhyItCannotStartEndsTheStart) {
  start("cannot start");
  EXPECT_EQ(exit_status(), 1);
  EXPECT_THAT(wait_for("start failed").value("why", ""), HasSubstr("the moon is in the wrong place"));
}

TEST_F(SupervisorTest, AWorkerThatDiesAtTheStartLeavesItsLastWords) {
  start("abort at start");
  EXPECT_EQ(exit_status(), 1);
  EXPECT_THAT(wait_for("start failed").value("last_words", ""), HasSubstr("something terrible: 42"));
}

TEST_F(SupervisorTest, AWorkerThatIsNotReadyInTimeIsKilled) {
  start("never ready", {{"restart_policy", {{"ready_timeout", "300ms"}}}});
  EXPECT_EQ(exit_status(), 1);
  EXPECT_THAT(wait_for("start failed").value("why", ""), HasSubstr("not ready within 300ms"));
}

TEST_F(SupervisorTest, AWorkerThatBreaksTheChannelsRulesIsKilledAndReplaced) {
  start("says nonsense");
  wait_for("worker misbehaved");
  wait_for("worker ready", 2);
  EXPECT_THAT(wait_for("worker ended").value("why", ""), HasSubstr("SIGKILL"));
}

TEST_F(SupervisorTest, SaysWhyAWorkerDiedAndWhichConnectionsDiedWithIt) {
  start("");
  wait_for("ready");
  const int worker = wait_for("worker ready").value("pid", 0);
  ASSERT_GT(worker, 0);
  ASSERT_EQ(::kill(worker, SIGSEGV), 0);
  const json lost = wait_for("connection lost");
  EXPECT_EQ(lost["client"], "192.0.2.7:4711");
  EXPECT_THAT(lost.value("why", ""), HasSubstr("SIGSEGV"));
  wait_for("worker ready", 2);
  const json workers = ask({{"command", "workers"}})["workers"];
  ASSERT_EQ(workers.size(), 1U);
  EXPECT_EQ(workers[0]["restarts"], 1);
  EXPECT_EQ(workers[0]["lost_connections"], 1);
  EXPECT_THAT(workers[0].value("last_exit", ""), HasSubstr("SIGSEGV"));
}

TEST_F(SupervisorTest, ACrashLoopIsSaidAndRetried) {
  start("", {{"restart_policy", {{"crash_loop_count", 2}, {"backoff_min", "10ms"}, {"backoff_max", "50ms"}}}});
  for (std::size_t i = 1; i <= 2; ++i) ::kill(wait_for("worker ready", i).value("pid", 0), SIGKILL);
  EXPECT_EQ(wait_for("worker crash loop")["level"], "error");
  wait_for("worker ready", 3);
}

TEST_F(SupervisorTest, NamespacesCanBeSwitchedOffAndStatusSaysSo) {
  const json tenant = {{"name", "acme"},
                       {"sandbox", {{"namespaces", false}}},
                       {"endpoints", {{{"name", "web"}, {"mode", "forward"}, {"listen", {"127.0.0.1:0"}}}}}};
  start("", {{"tenants", json::array({tenant})}});
  wait_for("ready");
  const json status = ask({{"command", "status"}});
  std::size_t namespaces = 0;
  for (const json& protection : status["tenants"][0]["workers"][0]["protections"]) {
    if (!protection.value("name", "").contains("namespace")) continue;
    ++namespaces;
    EXPECT_EQ(protection["on"], false) << protection.dump();
    EXPECT_NE(protection.value("why", ""), "") << protection.dump();
  }
  EXPECT_GT(namespaces, 0U);
}

TEST_F(SupervisorTest, TheLogLevelReachesTheWorkers) {
  start("", {{"log", {{"level", "info"}}}});
  wait_for("ready");
  EXPECT_EQ(ask({{"command", "log-level"}, {"level", "debug"}})["before"], "info");
  wait_for("level heard");
}

TEST_F(SupervisorTest, TheApplicationsOwnProblemsAreProblemsOfTheFile) {
  start("unknown");
  EXPECT_EQ(exit_status(), 2);
  std::stringstream text;
  text << std::ifstream(folder_ + "/stderr").rdbuf();
  EXPECT_THAT(text.str(), testing::ContainsRegex(
                              "sluice.json:[0-9]+:[0-9]+: tenants\\[0\\].settings.script: there is no such script"));
}

TEST_F(SupervisorTest, SighupWithTheSameFileSaysUnchanged) {
  start("");
  wait_for("ready");
  ::kill(pid_, SIGHUP);
  wait_for("configuration unchanged");
}

}  // namespace
}  // namespace sluice
