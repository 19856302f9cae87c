// See notify.h.
#include "supervisor/notify.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include "base/sys.h"

namespace sluice::supervisor {

void notify_service_manager(std::string_view state) {
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
  (void)sys::send(fd->get(), state, 0);
}

}  // namespace sluice::supervisor
