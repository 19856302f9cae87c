// See notify.h.
#include "supervisor/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/sys.h"

namespace sluice::supervisor {
namespace {
constexpr std::size_t kMostDescriptors = 250;  // the kernel's limit is 253
}

void notify_service_manager(std::string_view state) {
  notify_service_manager(state, {});
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

void notify_service_manager(std::string_view state, std::span<const int> fds) {
  const char* variable = std::getenv("NOTIFY_SOCKET");
  const std::string_view path = variable != nullptr ? variable : "";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() < 2 || path.size() >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@')) return;
  std::ranges::copy(path, address.sun_path);
  if (path[0] == '@') address.sun_path[0] = '\0';
  Result<Fd> fd = sys::socket(AF_UNIX, SOCK_DGRAM, 0);
  if (!fd) return;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (!sys::connect(fd->get(), reinterpret_cast<const sockaddr*>(&address), size)) return;
  (void)sys::send_rights(fd->get(), state, fds.size() <= kMostDescriptors ? fds : std::span<const int>(), 0);
}

}  // namespace sluice::supervisor
