// See control_path.h.
#include "ipc/control_path.h"

#include <unistd.h>

#include <cstdlib>

namespace sluice::ipc {

std::string default_control_path() {
  if (::geteuid() == 0) return "/run/sluice/control.sock";
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && *runtime == '/') return std::string(runtime) + "/sluice.sock";
  return "/tmp/sluice-" + std::to_string(::geteuid()) + "/control.sock";
}

}  // namespace sluice::ipc
