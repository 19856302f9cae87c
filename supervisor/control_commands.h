// What the control socket can be asked: one function per command, found in a table (control_commands.cc).
#pragma once
#include <nlohmann/json_fwd.hpp>

#include "base/log.h"
#include "base/task.h"
#include "ipc/control_server.h"

namespace sluice::supervisor {

class Supervisor;

struct ControlContext {
  Supervisor& supervisor;
  Log& log;
  const ipc::Identity& who;
};

/// Answers one request, whatever is in it. Errors: the client is gone or does not read.
[[nodiscard]] Task<Result<>> answer(const ControlContext& context, ipc::ControlConnection& connection,
                                    const nlohmann::json& request);

}  // namespace sluice::supervisor
