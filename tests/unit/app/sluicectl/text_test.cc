// What sluicectl shows people, against golden files. SLUICE_UPDATE_GOLDEN=1 writes them anew; look at the difference.
#include "app/sluicectl/text.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/sluicectl/diff_text.h"

namespace sluice::ctl {
namespace {
using nlohmann::json;

void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = "tests/golden/sluicectl_" + name + ".txt";
  if (std::getenv("SLUICE_UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
  const std::ifstream file(path);
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(text, golden.str()) << "if this is wanted: SLUICE_UPDATE_GOLDEN=1";
}

json protection(const char* name, bool on, const char* why) {
  return {{"name", name}, {"on", on}, {"why", why}};
}

json worker(int index, const char* state) {
  json out = {{"index", index},    {"pid", 4000 + index},  {"state", state},       {"state_s", 185},
              {"restarts", index}, {"last_exit", nullptr}, {"lost_connections", 0}};
  out["protections"] = {protection("empty root", true, ""), protection("seccomp", true, ""),
                        protection("landlock", index == 0, index == 0 ? "" : "the kernel has none")};
  return out;
}

json status() {
  return {{"version", "1.2.3"},
          {"pid", 77},
          {"uptime_s", 93'784},
          {"ready", true},
          {"leaving", false},
          {"config", "/etc/sluice.yaml"},
          {"log_level", "info"},
          {"application", {{"name", "sluice-proxy"}, {"version", "1.2.3"}, {"program", "/usr/bin/sluice-proxy"}}},
          {"protections", {protection("seccomp", true, ""), protection("capabilities", false, "not root")}},
          {"tenants",
           {{{"name", "acme"},
             {"state", "ready"},
             {"workers", {worker(0, "ready"), worker(1, "backing_off")}},
             {"endpoints",
              {{{"name", "web"},
                {"mode", "reverse"},
                {"listen",
                 {{{"configured", "127.0.0.1:0"}, {"bound", "127.0.0.1:4711"}},
                  {{"configured", "[::1]:0"}, {"bound", "[::1]:4711"}}}}},
               {{"name", "out"},
                {"mode", "forward"},
                {"listen", {{{"configured", "unix:/run/out"}, {"bound", "unix:/run/out"}}}}}}}},
            {{"name", "empty"}, {"state", "not_ready"}, {"workers", json::array()}, {"endpoints", json::array()}}}}};
}

TEST(SluicectlText, Status) {
  expect_golden("status", status_text(status()));
}

TEST(SluicectlText, StatusWhileLeavingAndNotReady) {
  json one = status();
  one["leaving"] = true;
  EXPECT_TRUE(status_text(one).starts_with("sluice 1.2.3, process 77, up 1d 2h, leaving\n"));
  one["leaving"] = false;
  one["ready"] = false;
  EXPECT_TRUE(status_text(one).starts_with("sluice 1.2.3, process 77, up 1d 2h, not ready\n"));
}

TEST(SluicectlText, AnswersOfAnotherVersionAreShownAsFarAsTheyGo) {
  expect_golden("status_of_little", status_text({{"version", "9"}, {"tenants", {{{"name", 5}}, "odd", nullptr}}}));
  EXPECT_NO_THROW((void)status_text(json::array()));
  EXPECT_NO_THROW((void)workers_text(nullptr));
  EXPECT_NO_THROW((void)connections_text({json("odd"), json(1)}, 0));
  EXPECT_EQ(check_text(json::object()), "");
}

TEST(SluicectlText, Workers) {
  json crashed = worker(1, "crash_loop");
  crashed["tenant"] = "acme";
  crashed["pid"] = nullptr;
  crashed["last_exit"] = "killed by SIGSEGV (Segmentation fault)";
  crashed["lost_connections"] = 12;
  json fine = worker(0, "ready");
  fine["tenant"] = "a-tenant-with-a-long-name";
  expect_golden("workers", workers_text({{"workers", {fine, crashed}}}));
}

TEST(SluicectlText, Connections) {
  const json one = {{"client", "192.0.2.7:4711"},
                    {"tenant", "acme"},
                    {"worker", 0},
                    {"endpoint", "web"},
                    {"state", "waiting"},
                    {"started_unix_ms", 1'000'000},
                    {"requests", 3},
                    {"bytes_in", 512U},
                    {"bytes_out", 3'500'000U},
                    {"target", "/a\x1b[2Jb"},
                    {"stays_for", "request in flight"}};
  const json idle = {{"client", "[2001:db8::1]:1"},
                     {"tenant", "acme"},
                     {"worker", 1},
                     {"endpoint", "web"},
                     {"state", "idle"},
                     {"requests", 0},
                     {"bytes_in", 0},
                     {"bytes_out", 0},
                     {"started_unix_ms", 999'000},
                     {"target", ""},
                     {"stays_for", ""}};
  expect_golden("connections", connections_text({one, idle}, 1'065'000));
}

TEST(SluicectlText, Check) {
  expect_golden("check_same", check_text({{"ok", true}, {"file", "/etc/sluice.yaml"}, {"changes", json::array()}}));
  expect_golden("check_differs", check_text({{"ok", true},
                                             {"file", "/etc/sluice.yaml"},
                                             {"changes", {"tenants[0].workers: 1 → 2", "log.level: info → debug"}}}));
  expect_golden(
      "check_problems",
      check_text({{"ok", false},
                  {"problems",
                   {{{"message", "sluice.yaml:14:9: tenants[0].workers: 70000 is not between 0 and 1024"}},
                    {{"message", "sluice.yaml:15:1: tenats: there is no such setting; did you mean tenants?"}}}}}));
}

json change(const char* path, const json& before, const json& after, const char* needs) {
  return {{"path", path}, {"before", before}, {"after", after}, {"needs", needs}};
}

TEST(SluicectlText, DiffThatNeedsNewWorkers) {
  const json added = change("tenants[0].upstreams[0].server_options.b", nullptr, {{"weight", 3}}, "in place");
  const json list = {std::string(100, 'a')};
  expect_golden("diff_generation",
                diff_text({{"file", "/etc/sluice.yaml"},
                           {"verdict", "generation"},
                           {"programs", {"/usr/bin/my\x1b[2Japp"}},
                           {"problems", json::array()}},
                          {change("log.level", "info", "debug", "in place"), added,
                           change("tenants[0].endpoints[0].listen", json::array(), list, "new generation")}));
}

TEST(SluicectlText, DiffWithoutNewWorkers) {
  expect_golden("diff_nothing", diff_text({{"file", "/etc/sluice.yaml"}, {"verdict", "nothing"}}, {}));
  expect_golden("diff_in_place", diff_text({{"file", "/etc/sluice.yaml"}, {"verdict", "in_place"}},
                                           {change("upgrade.keep", 20, 30, "in place")}));
}

TEST(SluicectlText, DiffThatIsRefused) {
  const json refused = {{"file", "/etc/sluice.yaml"},
                        {"verdict", "refused"},
                        {"outcome", "needs_restart"},
                        {"meaning", "the change is to something that only a start can change"},
                        {"why", "log.file can be changed only by a restart"}};
  expect_golden("diff_restart", diff_text(refused, {change("log.file", "", "/var/log/x", "restart")}));
  json wrong = refused;
  wrong["outcome"] = "bad_configuration";
  wrong["meaning"] = "the configuration has problems";
  wrong["problems"] = {{{"message", "sluice.yaml:14:9: tenants[0].workers: 70000 is not between 0 and 1024"}}};
  expect_golden("diff_problems", diff_text(wrong, {}));
}

}  // namespace
}  // namespace sluice::ctl
