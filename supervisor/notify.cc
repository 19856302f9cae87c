// See notify.h.
#include "supervisor/notify.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/sys.h"

namespace sluice::supervisor {
namespace {
constexpr Millis kMostPatience{2000};

// What it has not read yet fills its socket.
Result<> send_in_time(int fd, std::string_view state, std::span<const int> fds, Millis patience) {
  const Deadline end(steady_now() + patience);
  for (;;) {
    const sys::Io sent = sys::send_rights(fd, state, fds, 0);
    if (sent.done()) return {};
    if (sent.failed()) return fail_errno(sent.error, "sendmsg");
    const auto left = std::chrono::ceil<Millis>(end.since_boot() - steady_now());
    if (left.count() <= 0) return fail(Code::kTimeout, "the service manager does not listen");
    pollfd room{.fd = fd, .events = POLLOUT, .revents = 0};
    (void)::poll(&room, 1, static_cast<int>(left.count()));
  }
}

}  // namespace

void notify_service_manager(std::string_view state) {
  (void)notify_service_manager(state, {}, kMostPatience);
}

bool has_service_manager() {
  const char* variable = std::getenv("NOTIFY_SOCKET");
  return variable != nullptr && *variable != '\0';
}

std::optional<Millis> watchdog_interval() {
  const auto number = [](const char* name) {
    const char* const text = std::getenv(name);
    std::int64_t value = 0;
    if (text != nullptr) (void)std::from_chars(text, text + std::strlen(text), value);
    return value;
  };
  constexpr std::int64_t kRoom = 3;
  constexpr std::int64_t kMicros = 1000;
  const std::int64_t whose = number("WATCHDOG_PID");
  const std::int64_t interval = number("WATCHDOG_USEC") / kMicros / kRoom;
  if (interval <= 0 || (whose != 0 && whose != ::getpid())) return std::nullopt;
  return Millis(interval);
}

Result<> notify_service_manager(std::string_view state, std::span<const int> fds, Millis patience) {
  const char* variable = std::getenv("NOTIFY_SOCKET");
  const std::string_view path = variable != nullptr ? variable : "";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() < 2 || path.size() >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
    return fail(Code::kUnavailable, "there is no service manager");
  std::ranges::copy(path, address.sun_path);
  if (path[0] == '@') address.sun_path[0] = '\0';
  Result<Fd> fd = sys::socket(AF_UNIX, SOCK_DGRAM, 0);
  if (!fd) return fail(std::move(fd).error());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (::connect(fd->get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) return fail_errno(errno, "connect");
  return send_in_time(fd->get(), state, fds, patience);
}

}  // namespace sluice::supervisor
