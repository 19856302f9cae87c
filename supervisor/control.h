// The control server: the UNIX socket that sluicectl talks to. Accepts, asks the kernel who it is, and serves each
// client in a coroutine of its own. At most kMaxClients at a time; who neither asks nor reads in time is dropped, and a
// slow client holds nobody up.
#pragma once
#include <sys/types.h>

#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "base/fd_events.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/scope.h"
#include "base/task.h"
#include "ipc/control_server.h"
#include "ipc/settings/settings.h"
#include "restart/saved_state.h"
#include "supervisor/control_commands.h"
#include "supervisor/unix_socket.h"

namespace sluice::supervisor {

class Supervisor;
class Takeover;

/// Where the socket is: as configured, or the default.
[[nodiscard]] std::string control_path(const ipc::ControlSettings& settings);

class Control {
 public:
  static constexpr std::size_t kMaxClients = 128;

  /// Binds the socket of the configuration, making the folder of a default path. Errors: the path and the reason.
  [[nodiscard]] static Result<std::unique_ptr<Control>> open(Loop& loop, Log& log, Supervisor& supervisor,
                                                             const ipc::ControlSettings& settings);
  /// For another program that goes on with it: its part of the state; and back.
  void save(restart::SavedState& state) const;
  [[nodiscard]] static std::unique_ptr<Control> go_on(const Takeover& from, Loop& loop, Log& log,
                                                      Supervisor& supervisor);
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
  [[nodiscard]] Task<> serve(Fd client, ipc::Identity who, restart::SavedClient before);

  Loop& loop_;
  Log& log_;
  Supervisor& supervisor_;
  UnixListener listener_;
  std::optional<gid_t> group_;
  FdEvents events_;
  struct Open {
    const ipc::ControlConnection* connection;
    const ControlClient* client;
    bool asked = false;  // a request is being answered
  };
  struct Entry {
    Entry(std::list<Open>& open, Open one) : all(open), place(open.insert(open.end(), one)) {}
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() { all.erase(place); }
    std::list<Open>& all;
    std::list<Open>::iterator place;
  };
  std::list<Open> open_;
  std::vector<restart::SavedClient> before_;  // of the program before this one, until run()
  Scope clients_;                             // last: its tasks use the above
};

}  // namespace sluice::supervisor
