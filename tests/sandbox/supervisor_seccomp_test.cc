// The supervisor's filter: what it refuses, and that workers and tool runs still start, with their own sandbox whole,
// below it. The filter cannot be taken off again: main() loads it before the tests run.
#include "supervisor/seccomp.h"

#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/sanitizer.h"
#include "test_worker.h"

namespace sluice::supervisor {
namespace {

TEST(SupervisorSeccomp, RefusesEveryCallOfTheList) {
  for (const seccomp::Row& row : supervisor_refusals()) {
    if (row.call < 0 || !row.when.empty()) continue;
    errno = 0;
    EXPECT_EQ(::syscall(row.call, 0, 0, 0, 0, 0, 0), -1) << row.call;
    EXPECT_EQ(errno, EPERM) << row.call << " " << row.why;
  }
}

TEST(SupervisorSeccomp, AllowsOnlyUnixAndInternetSockets) {
  for (int family = 0; family < 64; ++family) {
    const Fd fd(::socket(family, SOCK_DGRAM, 0));
    const bool wanted = family == AF_UNIX || family == AF_INET || family == AF_INET6;
    if (wanted) {
      EXPECT_TRUE(fd || errno == EAFNOSUPPORT) << family;
    } else if (family != 0) {
      EXPECT_FALSE(fd) << family;
      EXPECT_EQ(errno, EPERM) << family;
    }
  }
}

TEST(SupervisorSeccomp, AllowsOfBpfOnlyWhatSteersDatagrams) {
  for (int command = 0; command < 64; ++command) {
    errno = 0;
    EXPECT_EQ(::syscall(SYS_bpf, command, nullptr, 0), -1) << command;
    // let through, it complains of the arguments; as an ordinary user the kernel may say EPERM by itself
    if (command > 5) {
      EXPECT_EQ(errno, EPERM) << command;
    } else if (::geteuid() == 0) {
      EXPECT_NE(errno, EPERM) << command;
    }
  }
}

TEST(SupervisorSeccomp, RefusesSetUserIdFilesAndTypingIntoTerminals) {
  EXPECT_EQ(::chmod("/nonexistent", 04755), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::chmod("/nonexistent", 0755), -1);
  EXPECT_EQ(errno, ENOENT);
  char letter = 'x';
  EXPECT_EQ(::ioctl(0, TIOCSTI, &letter), -1);
  EXPECT_EQ(errno, EPERM);
}

TEST(SupervisorSeccomp, GivesUpNewPrivileges) {
  EXPECT_EQ(::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
}

TEST(SupervisorSeccomp, LeavesWorkersTheirWholeSandbox) {
  ipc::TenantSettings settings;
  settings.name = "acme";
  test::TestWorker worker(SLUICE_PROBE_WORKER, settings);
  ASSERT_TRUE(worker.until_ready()) << worker.log();
  for (const char* name :
       {"user namespace", "empty root", "no nested namespaces", "no capabilities", "landlock", "seccomp"})
    EXPECT_TRUE(worker.protection(name).on) << name << ": " << worker.protection(name).why;
  EXPECT_EQ(worker.stop(), 0);
}

TEST(SupervisorSeccomp, LeavesToolRunsAlone) {
  auto shell = open_binary("/bin/sh");
  const auto result = run_sandboxed({.binary = shell->get(),
                                     .arguments = {"sh", "-c", "ls / | head -1; echo fine"},
                                     .input = {},
                                     .ids = PrivateIds().of("tool")});
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->status, 0);
  EXPECT_TRUE(result->output.ends_with("fine\n")) << result->output;
}

}  // namespace
}  // namespace sluice::supervisor

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (auto entered = sluice::supervisor::enter_seccomp({}); !entered) {
    std::cerr << entered.error().message() << "\n";
    return 1;
  }
  return RUN_ALL_TESTS();
}
