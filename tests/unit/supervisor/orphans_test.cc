#include "supervisor/orphans.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace sluice::supervisor {
namespace {

pid_t child_that_has_ended() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(7);
  siginfo_t info{};
  (void)::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
  return pid;
}

TEST(Orphans, StrangersAreReapedAndNobodyIsWaitedFor) {
  EXPECT_EQ(reap_orphans([](pid_t) { return false; }), 0) << "no children at all";
  const pid_t running = ::fork();
  if (running == 0) {
    ::pause();
    ::_exit(0);
  }
  const pid_t one = child_that_has_ended();
  const pid_t two = child_that_has_ended();
  EXPECT_EQ(reap_orphans([](pid_t) { return false; }), 2);
  for (const pid_t gone : {one, two}) {
    EXPECT_EQ(::waitpid(gone, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
  }
  ::kill(running, SIGKILL);
  EXPECT_EQ(::waitpid(running, nullptr, 0), running);
}

TEST(Orphans, OurOwnKeepTheirStatusForTheirWatcher) {
  const pid_t own = child_that_has_ended();
  EXPECT_EQ(reap_orphans([own](pid_t pid) { return pid == own; }), 0);
  int status = 0;
  EXPECT_EQ(::waitpid(own, &status, WNOHANG), own);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

}  // namespace
}  // namespace sluice::supervisor
