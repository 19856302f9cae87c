// See os_signals.h.
#include "base/os_signals.h"

#include <sys/signalfd.h>

#include <cerrno>

#include "base/sys.h"

namespace sluice {

Result<std::unique_ptr<OsSignals>> OsSignals::open(Loop& loop, std::initializer_list<int> numbers) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : numbers) ::sigaddset(&set, number);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return fail_errno(errno, "sigprocmask");
  Fd fd(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!fd) return fail_errno(errno, "signalfd");
  return std::unique_ptr<OsSignals>(new OsSignals(loop, std::move(fd)));
}

std::optional<OsSignal> OsSignals::take() {
  signalfd_siginfo info{};
  const sys::Io io = sys::read(fd_.get(), {reinterpret_cast<char*>(&info), sizeof info});
  if (!io.done() || io.bytes != sizeof info) {
    events_.readable.clear();
    return std::nullopt;
  }
  return OsSignal{.number = static_cast<int>(info.ssi_signo), .pid = info.ssi_pid, .uid = info.ssi_uid};
}

}  // namespace sluice
