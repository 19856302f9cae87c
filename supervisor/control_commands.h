// What the control socket can be asked: one function per command, found in a table (control_commands.cc).
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/log.h"
#include "base/task.h"
#include "ipc/control_server.h"

namespace sluice::supervisor {

class Supervisor;
class UpgradeRecord;

/// What a client waits for, if it is something that another program can go on with.
struct ControlClient {
  std::shared_ptr<UpgradeRecord> follows;
  std::size_t shown = 0;  ///< events of it that have been sent
  std::string until;
};

struct ControlContext {
  Supervisor& supervisor;
  Log& log;
  const ipc::Identity& who;
  ControlClient& client;
};

/// Answers one request, whatever is in it. Errors: the client is gone or does not read.
[[nodiscard]] Task<Result<>> answer(const ControlContext& context, ipc::ControlConnection& connection,
                                    const nlohmann::json& request);

}  // namespace sluice::supervisor
