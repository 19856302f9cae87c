// See child.h. Only functions that are async-signal-safe, most of them raw system calls.
#include "supervisor/child.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace sluice::supervisor {
namespace {

void say(const ChildPlan& plan, Step step) {
  const ChildFailure failure{.step = step, .error = errno};
  (void)!::write(plan.report, &failure, sizeof failure);
}

[[noreturn]] void give_up(const ChildPlan& plan, Step step) {
  say(plan, step);
  ::_exit(127);
}

void wait_for_go(const ChildPlan& plan) {
  char go = 0;
  ssize_t got = 0;
  while ((got = ::read(plan.go, &go, 1)) < 0 && errno == EINTR) {}
  if (got != 1) ::_exit(127);  // the supervisor is gone, or has killed us already
}

// Handlers and ignored signals are the supervisor's business; the program starts as from a shell, with nothing blocked.
void reset_signals() {
  struct sigaction standard{};
  standard.sa_handler = SIG_DFL;
  for (int signal = 1; signal < 65; ++signal) (void)::sigaction(signal, &standard, nullptr);
  const sigset_t none{};
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void arrange_descriptors(const ChildPlan& plan) {
  for (int to = 0; to < static_cast<int>(plan.descriptors.size()); ++to) {
    const int from = plan.descriptors[static_cast<std::size_t>(to)];
    if (from < 0) continue;
    if (::dup2(from, to) != to) give_up(plan, Step::kDescriptors);
  }
  // 4 and up, and 3 where nothing was put there: gone at exec. Marked and not closed, because exec still needs the
  // binary.
  const unsigned first = plan.descriptors[3] >= 0 ? 4 : 3;
  if (::syscall(SYS_close_range, first, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */) != 0) {
    for (int fd = static_cast<int>(first); fd < 65536; ++fd)
      (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);  // before Linux 5.11
  }
}

// Inside a fresh user namespace a process has every capability again, and with them the parts of the kernel that most
// privilege escalations of the last years came from. The limit is per user namespace, and raising it again needs a
// capability that the program will not have.
void forbid_nested_namespaces(const ChildPlan& plan) {
  const int file = ::open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
  if (file < 0 || ::write(file, "0", 1) != 1) say(plan, Step::kNested);
}

void take_ids(const ChildPlan& plan) {
  // raw: glibc's wrappers talk to "the other threads", which are not here
  if (plan.groups == Groups::kDrop && ::syscall(SYS_setgroups, 0, nullptr) != 0) give_up(plan, Step::kIds);
  if (::syscall(SYS_setresgid, plan.gid, plan.gid, plan.gid) != 0) give_up(plan, Step::kIds);
  if (::syscall(SYS_setresuid, plan.uid, plan.uid, plan.uid) != 0) give_up(plan, Step::kIds);
}

// Two independent ways to make every file system read-only; each may be missing on an old kernel or without a mount
// namespace.
void forbid_writes() {
  mount_attr read_only{.attr_set = MOUNT_ATTR_RDONLY, .propagation = 1UL << 18 /* MS_PRIVATE */};
  (void)::syscall(SYS_mount_setattr, -1, "/", 0x8000 /* AT_RECURSIVE */, &read_only, sizeof read_only);
}

// The supervisor's own filter lets bpf(2) through, for the steering of datagrams; nobody below it needs that. Written
// out, because nothing here may allocate; the number without the bit that marks the x32 way in.
void forbid_bpf() {
  constexpr std::uint32_t kNotX32 = 0xbfffffff;
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kNotX32),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{.len = std::size(code), .filter = code};
  // without the supervisor's filter (in tests) there may be no right to load one, and nothing to make good
  (void)::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

void restrict_self(const ChildPlan& plan) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) give_up(plan, Step::kRestrict);
  if (plan.landlock >= 0 && ::syscall(SYS_landlock_restrict_self, plan.landlock, 0) != 0)
    give_up(plan, Step::kRestrict);
}

}  // namespace

std::string_view name(Step step) {
  switch (step) {
    case Step::kWait:
      return "waiting for the id maps";
    case Step::kNested:
      return "forbidding nested namespaces";
    case Step::kDescriptors:
      return "arranging descriptors";
    case Step::kIds:
      return "taking the user and group ids";
    case Step::kLimits:
      return "setting resource limits";
    case Step::kRestrict:
      return "giving up rights";
    case Step::kExec:
      return "execveat";
  }
  return "?";
}

void run_child(const ChildPlan& plan) noexcept {
  wait_for_go(plan);
  reset_signals();
  (void)::setpgid(0, 0);  // a ^C in the supervisor's terminal is for the supervisor
  arrange_descriptors(plan);
  if (plan.nested == Nested::kForbidden) forbid_nested_namespaces(plan);
  if (plan.restrict_to == Restrict::kNoWrites) forbid_writes();  // while the namespace's rights are still there
  take_ids(plan);
  if (plan.restrict_to == Restrict::kNoWrites) restrict_self(plan);
  forbid_bpf();
  for (const Limit& limit : plan.limits) {
    const rlimit value{.rlim_cur = limit.value, .rlim_max = limit.value};
    if (::setrlimit(limit.resource, &value) != 0) give_up(plan, Step::kLimits);
  }
  // after the ids, which clear it
  if (plan.left == Left::kDies) (void)::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (plan.most_seconds > 0) ::alarm(plan.most_seconds);
  ::syscall(SYS_execveat, plan.binary, "", plan.argv, plan.envp, AT_EMPTY_PATH);
  give_up(plan, Step::kExec);
}

}  // namespace sluice::supervisor
