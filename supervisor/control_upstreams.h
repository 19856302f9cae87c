// The command `upstreams`: how each worker sees the servers of its upstreams, from the slabs.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "base/task.h"
#include "ipc/control_server.h"

namespace sluice::supervisor {

class Supervisor;

/// One item for each worker and server; "tenant" and "upstream" of the request narrow it down.
[[nodiscard]] Task<Result<>> send_upstreams(const Supervisor& supervisor, ipc::ControlConnection& connection,
                                            const nlohmann::json& request);

}  // namespace sluice::supervisor
