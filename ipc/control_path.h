// Where the control socket is when nobody says otherwise: supervisor and sluicectl must look in the same place.
#pragma once
#include <string>

namespace sluice::ipc {

/// /run/sluice/control.sock as root, otherwise $XDG_RUNTIME_DIR/sluice.sock, otherwise /tmp/sluice-<uid>/control.sock.
[[nodiscard]] std::string default_control_path();

}  // namespace sluice::ipc
