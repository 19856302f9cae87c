// The client of the control socket, for sluicectl: connect, ask, take the items as they come, return the result.
// Blocking, without a loop: a command-line program has nothing else to do.
#pragma once
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"
#include "ipc/control.h"

namespace sluice::ipc {

class ControlClient {
 public:
  /// A path from the working folder is fine. Errors: kSystem, kRefused or kBadSyntax, each with the path: nobody can be
  /// talked to there.
  [[nodiscard]] static Result<ControlClient> connect(const std::string& given);

  using OnItem = std::function<void(const nlohmann::json&)>;
  /// Sends `request` (an object with a "command") and waits for its end; `on_item` sees each item. Errors: the
  /// supervisor's own code and sentence when it refuses, kClosed, kTimeout, kProtocol.
  [[nodiscard]] Result<nlohmann::json> call(const nlohmann::json& request, const OnItem& on_item, Deadline deadline);

 private:
  explicit ControlClient(Fd fd) : fd_(std::move(fd)) {}
  [[nodiscard]] Result<> send(std::string_view bytes, Deadline deadline);
  [[nodiscard]] Result<std::string> next_line(Deadline deadline);

  Fd fd_;
  LineSplitter lines_{kMaxControlReply};
};

}  // namespace sluice::ipc
