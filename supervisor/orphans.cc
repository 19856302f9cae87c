// See orphans.h.
#include "supervisor/orphans.h"

#include <sys/wait.h>

namespace sluice::supervisor {

int reap_orphans(const std::function<bool(pid_t)>& ours) {
  int reaped = 0;
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0 || ours(info.si_pid))
      return reaped;
    siginfo_t gone{};
    if (::waitid(P_PID, static_cast<id_t>(info.si_pid), &gone, WEXITED | WNOHANG) != 0) return reaped;
    ++reaped;
  }
}

}  // namespace sluice::supervisor
