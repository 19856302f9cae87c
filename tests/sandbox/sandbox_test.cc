// Inside a real worker: what the sandbox refuses, layer by layer, and what it must let through.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include "base/sanitizer.h"
#include "probes.h"
#include "test_worker.h"

namespace sluice::test {
namespace {
using ::testing::AnyOf;
using ::testing::HasSubstr;

ipc::TenantSettings tenant(std::string_view probe) {
  ipc::TenantSettings settings;
  settings.name = "acme";
  settings.settings.add("probe", settings::Node::scalar(std::string(probe), settings::Node::Style::kQuoted));
  return settings;
}

TEST(Sandbox, EveryProtectionIsOnOrSaysWhyNot) {
  TestWorker worker(SLUICE_PROBE_WORKER, tenant("none"));
  ASSERT_TRUE(worker.until_ready()) << worker.log();
  for (const Protection& one : worker.protections()) {
    std::cout << (one.on ? "on   " : "off  ") << one.name << (one.why.empty() ? "" : ": ") << one.why << "\n";
    EXPECT_TRUE(one.on || !one.why.empty()) << one.name;
  }
  for (const char* always : {"no capabilities", "no new privileges", "resource limits", "seccomp"})
    EXPECT_TRUE(worker.protection(always).on) << always;
  EXPECT_EQ(worker.stop(), 0) << worker.log();
}

TEST(Sandbox, LetsAProxyWork) {
  TestWorker worker(SLUICE_PROBE_WORKER, tenant("needed"));
  ASSERT_TRUE(worker.until_ready()) << worker.log();
  EXPECT_EQ(worker.stop(), 0);
  for (const probe::Probe& one : probe::needed()) EXPECT_EQ(worker.result_of(one.name), "allowed") << one.name;
}

class Forbidden : public ::testing::TestWithParam<probe::Probe> {};

// The whole sandbox: the attempt itself is the end.
TEST_P(Forbidden, KillsTheWorkerWithSigsys) {
  if (kSanitized && (GetParam().name == "open" || GetParam().name == "create" || GetParam().name == "raise-limits"))
    GTEST_SKIP() << "a sanitizer's report needs the call; the other layers answer";
  TestWorker worker(SLUICE_PROBE_WORKER, tenant(GetParam().name));
  EXPECT_FALSE(worker.until_ready()) << worker.log();
  const int status = worker.wait();
  ASSERT_TRUE(WIFSIGNALED(status)) << status << worker.log();
  EXPECT_EQ(WTERMSIG(status), SIGSYS);
}

std::string test_name(const ::testing::TestParamInfo<probe::Probe>& info) {
  std::string name(info.param.name);
  std::erase(name, '-');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Probe, Forbidden, ::testing::ValuesIn(probe::forbidden()), test_name);

// The same with seccomp switched off: what has to be refused for lack of rights by the other layers alone. What is not
// in this list is for seccomp only: it would give access to nothing but own memory, or is attack surface of the kernel.
std::vector<probe::Probe> refused_twice() {
  std::vector<probe::Probe> chosen;
  for (const probe::Probe& one : probe::forbidden())
    if (one.answer != probe::Answer::kSeccompOnly) chosen.push_back(one);
  return chosen;
}
class ForbiddenWithoutSeccomp : public ::testing::TestWithParam<probe::Probe> {};

TEST_P(ForbiddenWithoutSeccomp, IsRefusedByAnotherLayer) {
  auto settings = tenant(GetParam().name);
  settings.sandbox.seccomp = ipc::Seccomp::kOff;
  TestWorker worker(SLUICE_PROBE_WORKER, settings);
  ASSERT_TRUE(worker.until_ready()) << worker.log();
  (void)worker.stop();
  EXPECT_THAT(worker.result_of(GetParam().name),
              AnyOf("EPERM", "EACCES", "ENOENT", "EROFS", "ESRCH", "EAGAIN", "ENOSPC"));
}
INSTANTIATE_TEST_SUITE_P(Probe, ForbiddenWithoutSeccomp, ::testing::ValuesIn(refused_twice()), test_name);

std::string answer(std::string_view probe, const ipc::SandboxSettings& sandbox) {
  auto settings = tenant(probe);
  settings.sandbox = sandbox;
  TestWorker worker(SLUICE_PROBE_WORKER, settings);
  EXPECT_TRUE(worker.until_ready()) << worker.log();
  (void)worker.stop();
  return worker.result_of(probe);
}

TEST(SandboxLayers, TheEmptyRootHidesFilesWithoutSeccompAndLandlock) {
  TestWorker worker(SLUICE_PROBE_WORKER, tenant("none"));
  ASSERT_TRUE(worker.until_ready());
  if (!worker.protection("empty root").on) GTEST_SKIP() << worker.protection("empty root").why;
  EXPECT_THAT(answer("open", {.seccomp = ipc::Seccomp::kOff, .landlock = false}), AnyOf("ENOENT"));
  EXPECT_THAT(answer("create", {.seccomp = ipc::Seccomp::kOff, .landlock = false}), AnyOf("EROFS"));
}

TEST(SandboxLayers, LandlockHidesFilesWithoutSeccompAndNamespaces) {
  EXPECT_EQ(answer("open", {.seccomp = ipc::Seccomp::kOff, .namespaces = false}), "EACCES");
}

TEST(SandboxLayers, LandlockRefusesPortsWithoutSeccomp) {
  TestWorker worker(SLUICE_PROBE_WORKER, tenant("none"));
  ASSERT_TRUE(worker.until_ready());
  if (worker.protection("landlock").why.find("tcp bind") == std::string::npos) GTEST_SKIP() << "needs Landlock ABI 4";
  EXPECT_EQ(answer("bind-port", {.seccomp = ipc::Seccomp::kOff}), "EACCES");
}

ipc::TenantSettings tenant_with_sources(std::string_view probe) {
  ipc::TenantSettings settings = tenant(probe);
  settings.forward.source_addresses = {"127.0.0.1"};
  return settings;
}

// The source address of a connection is given with port 0.
TEST(SandboxWithSources, APortOfTheKernelsChoiceMayBeBoundAndNoOther) {
  TestWorker any(SLUICE_PROBE_WORKER, tenant_with_sources("bind-any-port"));
  ASSERT_TRUE(any.until_ready()) << any.log();
  EXPECT_EQ(any.stop(), 0);
  EXPECT_EQ(any.result_of("bind-any-port"), "allowed");
  if (any.protection("landlock").why.find("tcp bind") == std::string::npos) GTEST_SKIP() << "needs Landlock ABI 4";
  TestWorker one(SLUICE_PROBE_WORKER, tenant_with_sources("bind-port"));
  ASSERT_TRUE(one.until_ready()) << one.log();
  EXPECT_EQ(one.stop(), 0);
  EXPECT_EQ(one.result_of("bind-port"), "EACCES");
}

TEST(SandboxWithSources, NobodyCanListen) {
  for (const char* const attempt : {"listen", "unix-socket", "vsock"}) {
    TestWorker worker(SLUICE_PROBE_WORKER, tenant_with_sources(attempt));
    EXPECT_FALSE(worker.until_ready()) << worker.log();
    const int status = worker.wait();
    ASSERT_TRUE(WIFSIGNALED(status)) << attempt << " " << status << worker.log();
    EXPECT_EQ(WTERMSIG(status), SIGSYS) << attempt;
  }
}

TEST(SandboxLayers, NoNestedUserNamespaceWithoutSeccomp) {
  EXPECT_EQ(answer("user-namespace", {.seccomp = ipc::Seccomp::kOff}), "ENOSPC");
}

TEST(SandboxLayers, NoProcessWithoutSeccomp) {
  EXPECT_EQ(answer("fork", {.seccomp = ipc::Seccomp::kOff}), "EAGAIN");
}

TEST(SandboxLayers, ThereIsNobodyElseToKillWithoutSeccomp) {
  EXPECT_EQ(answer("kill-other", {.seccomp = ipc::Seccomp::kOff}), "ESRCH");
}

TEST(Sandbox, LogModeLetsThroughAndSaysThatItDoes) {
  auto settings = tenant("netlink");
  settings.sandbox.seccomp = ipc::Seccomp::kLog;
  TestWorker worker(SLUICE_PROBE_WORKER, settings);
  ASSERT_TRUE(worker.until_ready()) << worker.log();
  EXPECT_FALSE(worker.protection("seccomp").on);
  EXPECT_THAT(worker.protection("seccomp").why, HasSubstr("log"));
  (void)worker.stop();
  EXPECT_EQ(worker.result_of("netlink"), "allowed");
}

// A sanitizer prints its report and exits.
constexpr int kAborted = kSanitized ? 1 : 128 + SIGABRT;

class FatalSignal : public ::testing::TestWithParam<int> {};

TEST_P(FatalSignal, EndsTheFirstProcessOfANamespace) {
  TestWorker worker(SLUICE_PROBE_WORKER, tenant("none"));
  ASSERT_TRUE(worker.until_ready()) << worker.log();
  ASSERT_EQ(::kill(worker.pid(), GetParam()), 0);
  const int status = worker.wait();
  if (GetParam() == SIGABRT) {
    EXPECT_EQ(WEXITSTATUS(status), kAborted);
  } else if (!kSanitized) {
    ASSERT_TRUE(WIFSIGNALED(status)) << status;
    EXPECT_EQ(WTERMSIG(status), GetParam());
  } else {
    EXPECT_NE(status, 0);
  }
}
INSTANTIATE_TEST_SUITE_P(Signal, FatalSignal, ::testing::Values(SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT),
                         [](const auto& info) { return std::string(::sigabbrev_np(info.param)); });

TEST(Sandbox, AbortEndsTheWorker) {
  TestWorker worker(SLUICE_PROBE_WORKER, tenant("abort"));
  EXPECT_FALSE(worker.until_ready());
  EXPECT_EQ(WEXITSTATUS(worker.wait()), kAborted);
}

}  // namespace
}  // namespace sluice::test
