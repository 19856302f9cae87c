// introduction(): the PROXY header (proto/proxy_protocol) with which a connection to an origin begins when the
// upstream's settings say so. It tells of one client, so the connection serves that client's one request.
#pragma once
#include <string>

#include "ipc/settings/upstream.h"
#include "worker/flow/client_connection.h"

namespace sluice::worker {

/// Empty for SendProxy::kOff.
[[nodiscard]] std::string introduction(ipc::SendProxy form, const ClientConnection& client);

}  // namespace sluice::worker
