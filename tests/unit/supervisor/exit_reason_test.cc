#include "supervisor/exit_reason.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "base/fd.h"

namespace sluice::supervisor {
namespace {
using testing::HasSubstr;
using testing::StartsWith;

// A child that does what it is told, and its reason as reap() gives it.
template <class Child>
ExitReason after(Child child) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    child();
    ::_exit(0);
  }
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd ready{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&ready, 1, 5000), 1);
  Result<ExitReason> reason = reap_process(pidfd.get());
  EXPECT_TRUE(reason);
  return reason ? *reason : ExitReason{};
}

TEST(ExitReason, TellsAnExitFromASignal) {
  EXPECT_TRUE(after([] {}).clean());
  EXPECT_EQ(after([] { ::_exit(3); }).text(), "exited with code 3");
  EXPECT_EQ(after([] { ::_exit(134); }).text(), "exited with code 134 (abort)");
  const ExitReason segv = after([] {
    ::signal(SIGSEGV, SIG_DFL);  // a sanitizer would turn it into an exit
    ::raise(SIGSEGV);
  });
  EXPECT_EQ(segv.kind, ExitReason::Kind::kSignal);
  EXPECT_THAT(segv.text(), StartsWith("killed by SIGSEGV (Segmentation fault)"));
}

TEST(ExitReason, SaysWhatToDoAboutAForbiddenSystemCall) {
  const ExitReason reason{.kind = ExitReason::Kind::kSignal, .number = SIGSYS, .why = {}};
  EXPECT_THAT(reason.text(), HasSubstr("sandbox: {seccomp: log}"));
}

TEST(ExitReason, WhatWeKnowGoesBeforeTheGeneralHint) {
  const ExitReason reason{.kind = ExitReason::Kind::kSignal, .number = SIGKILL, .why = "not ready within 10s"};
  EXPECT_EQ(reason.text(), "killed by SIGKILL (Killed): not ready within 10s");
}

TEST(ExitReason, DoesNotReapARunningProcess) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::pause();
    ::_exit(0);
  }
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const Result<ExitReason> early = reap_process(pidfd.get());
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code(), Code::kInternal);
  ::kill(pid, SIGKILL);
  pollfd ready{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&ready, 1, 5000), 1);
  EXPECT_TRUE(reap_process(pidfd.get()));
}

}  // namespace
}  // namespace sluice::supervisor
