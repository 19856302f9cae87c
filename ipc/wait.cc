// See wait.h.
#include "ipc/wait.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace sluice::ipc {
namespace {

int milliseconds_until(Deadline deadline) {
  if (deadline.is_never()) return -1;
  constexpr std::int64_t kLongest = 1'000'000'000;
  const auto left = std::chrono::ceil<Millis>(deadline.since_boot() - steady_now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, kLongest));
}

}  // namespace

Result<> wait_for(int fd, short events, Deadline deadline, std::string_view whom) {
  for (;;) {
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    const int ready = ::poll(&entry, 1, milliseconds_until(deadline));
    if (ready > 0) return {};
    if (ready == 0) return fail(Code::kTimeout, std::string(whom) + " is silent");
    if (errno != EINTR) return fail_errno(errno, "poll");
  }
}

}  // namespace sluice::ipc
