// See exit_reason.h.
#include "supervisor/exit_reason.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

namespace sluice::supervisor {
namespace {

std::string_view hint(int signal) {
  switch (signal) {
    case SIGSYS:
      return "a system call outside its seccomp profile; `sandbox: {seccomp: log}` shows which";
    case SIGXCPU:
      return "over its CPU time limit";
    case SIGXFSZ:
      return "over its file size limit";
    case SIGBUS:
      return "also what a memory limit on shared memory looks like";
    default:
      return {};
  }
}

}  // namespace

std::string ExitReason::text() const {
  std::string text;
  if (kind == Kind::kExited) {
    // the first process of a pid namespace cannot die of SIGABRT and says it this way (worker/sandbox/fatal_signals.h)
    constexpr int kAborted = 128 + SIGABRT;
    text = fmt::format("exited with code {}{}", number, number == kAborted ? " (abort)" : "");
  } else {
    const char* symbol = ::sigabbrev_np(number);
    const char* words = ::sigdescr_np(number);
    text = symbol != nullptr ? fmt::format("killed by SIG{} ({})", symbol, words != nullptr ? words : "")
                             : fmt::format("killed by signal {}", number);
    if (core) text += ", core written";
  }
  const std::string_view more = !why.empty() ? std::string_view(why) : kind == Kind::kSignal ? hint(number) : "";
  return more.empty() ? text : fmt::format("{}: {}", text, more);
}

Result<ExitReason> reap_process(int pidfd) {
  siginfo_t info{};
  int result = 0;
  do {
    result = ::waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG);
  } while (result != 0 && errno == EINTR);
  if (result != 0) return fail_errno(errno, "waitid");
  if (info.si_pid == 0) return fail(Code::kInternal, "the process still runs");
  return ExitReason{.kind = info.si_code == CLD_EXITED ? ExitReason::Kind::kExited : ExitReason::Kind::kSignal,
                    .number = info.si_status,
                    .core = info.si_code == CLD_DUMPED,
                    .why = {}};
}

}  // namespace sluice::supervisor
