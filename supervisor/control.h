// The control server: the UNIX socket that sluicectl talks to. Accepts, asks the kernel who it is, and serves each
// client in a coroutine of its own. At most kMaxClients at a time; who neither asks nor reads in time is dropped, and a
// slow client holds nobody up.
#pragma once
#include <sys/types.h>

#include <memory>
#include <optional>

#include "base/fd_events.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/scope.h"
#include "base/task.h"
#include "ipc/control_server.h"
#include "ipc/settings/settings.h"
#include "supervisor/unix_socket.h"

namespace sluice::supervisor {

class Supervisor;

class Control {
 public:
  static constexpr std::size_t kMaxClients = 128;

  /// Binds the socket of the configuration, making the folder of a default path. Errors: the path and the reason.
  [[nodiscard]] static Result<std::unique_ptr<Control>> open(Loop& loop, Log& log, Supervisor& supervisor,
                                                             const ipc::ControlSettings& settings);
  Control(Control&&) = delete;

  [[nodiscard]] Task<> run();

 private:
  Control(Loop& loop, Log& log, Supervisor& supervisor, UnixListener listener, std::optional<gid_t> group)
      : loop_(loop),
        log_(log),
        supervisor_(supervisor),
        listener_(std::move(listener)),
        group_(group),
        events_(loop, listener_.fd()) {}
  void admit(Fd client);
  [[nodiscard]] Task<> serve(Fd client, ipc::Identity who);

  Loop& loop_;
  Log& log_;
  Supervisor& supervisor_;
  UnixListener listener_;
  std::optional<gid_t> group_;
  FdEvents events_;
  Scope clients_;  // last: its tasks use the above
};

}  // namespace sluice::supervisor
