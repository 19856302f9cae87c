// See namespaces.h.
#include "supervisor/namespaces.h"

#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace sluice::supervisor {
namespace {

struct Kind {
  std::uint64_t flag;
  const char* name;
};
constexpr std::array kKinds{
    Kind{CLONE_NEWUSER, "user namespace"},   Kind{CLONE_NEWNS, "mount namespace"},
    Kind{CLONE_NEWPID, "pid namespace"},     Kind{CLONE_NEWIPC, "ipc namespace"},
    Kind{CLONE_NEWUTS, "uts namespace"},     Kind{CLONE_NEWCGROUP, "cgroup namespace"},
    Kind{CLONE_NEWNET, "network namespace"},
};

// 0, or the errno of a clone3 with these flags.
int refusal(std::uint64_t flags) {
  clone_args arguments{};
  arguments.flags = flags;
  arguments.exit_signal = SIGCHLD;
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) ::_exit(0);
  if (pid < 0) return errno;
  while (::waitpid(static_cast<pid_t>(pid), nullptr, 0) < 0 && errno == EINTR) {}
  return 0;
}

std::string reason(int error) {
  switch (error) {
    case EPERM:
      return "not permitted: needs root, or user namespaces open to ordinary users";
    case ENOSPC:
      return "the limit in /proc/sys/user is reached";
    case EINVAL:
      return "this kernel has none";
    case ENOSYS:
      return "clone3 is refused, as some container runtimes do";
    default:
      return std::strerror(error);  // NOLINT(concurrency-mt-unsafe): one thread
  }
}

}  // namespace

std::uint64_t worker_namespaces() {
  return CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
}
std::uint64_t tool_namespaces() {
  return worker_namespaces() | CLONE_NEWNET;
}

Namespaces all_of(std::uint64_t wanted) {
  Namespaces found{.flags = wanted, .report = {}};
  for (const Kind& kind : kKinds)
    if ((wanted & kind.flag) != 0) found.report.push_back({.name = kind.name, .on = true, .why = {}});
  return found;
}

Namespaces probe(std::uint64_t wanted) {
  // the user namespace first: inside a new one the others need no privilege
  Namespaces found;
  for (const Kind& kind : kKinds) {
    if ((wanted & kind.flag) == 0) continue;
    const int error = refusal(found.flags | kind.flag);
    if (error == 0) found.flags |= kind.flag;
    found.report.push_back({.name = kind.name, .on = error == 0, .why = error == 0 ? std::string() : reason(error)});
  }
  return found;
}

}  // namespace sluice::supervisor
