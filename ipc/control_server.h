// One client of the control socket, as the supervisor sees it: who it is, its requests, the answers.
//
// The supervisor accepts, asks identify() and may_control(), and then runs one coroutine per client that takes a
// request, answers it, and takes the next. A client that does not read its answers in time is dropped; it holds
// nothing up meanwhile.
#pragma once
#include <sys/types.h>

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/fd_events.h"
#include "base/loop.h"
#include "base/result.h"
#include "base/task.h"
#include "ipc/control.h"

namespace sluice::ipc {

struct Identity {
  pid_t pid = 0;
  uid_t uid = 0;
  std::vector<gid_t> groups;  ///< the process's own group first
};
/// Who connected, as the kernel noted it at connect(2) (SO_PEERCRED, SO_PEERGROUPS).
[[nodiscard]] Result<Identity> identify(int connection);
/// Root, `owner`, and the members of `group` may; nobody else.
[[nodiscard]] bool may_control(const Identity& who, uid_t owner, std::optional<gid_t> group);

class ControlConnection {
 public:
  /// `fd` is non-blocking. A line that the client does not take within `patience` ends the connection.
  ControlConnection(Loop& loop, Fd fd, Millis patience)
      : fd_(std::move(fd)), patience_(patience), events_(loop, fd_.get()) {}
  ControlConnection(ControlConnection&&) = delete;

  /// The next request; nullopt when the client has said all. A line that is not a request has been answered with an
  /// error already. Errors: kTimeout, kTooLarge and what the system says: the connection is over.
  [[nodiscard]] Task<Result<std::optional<nlohmann::json>>> next(Deadline deadline);

  [[nodiscard]] Task<Result<>> item(const nlohmann::json& item);
  /// Ends the answer to a request.
  [[nodiscard]] Task<Result<>> result(const nlohmann::json& result);
  [[nodiscard]] Task<Result<>> error(const Error& error);

  /// For another program that goes on with it, and back. The descriptor is borrowed.
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] std::string_view input() const { return lines_.rest(); }
  void go_on_with(std::string_view input) { lines_.feed(input); }
  /// An answer is on its way.
  [[nodiscard]] bool sending() const { return sending_; }

 private:
  [[nodiscard]] Task<Result<>> send(std::string_view line);

  Fd fd_;
  Millis patience_;
  LineSplitter lines_{kMaxControlRequest};
  bool sending_ = false;
  FdEvents events_;  // dies before fd_
};

}  // namespace sluice::ipc
