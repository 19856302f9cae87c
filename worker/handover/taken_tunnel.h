// TakenTunnel: a tunnel that a worker of an earlier generation has opened and handed over. It relays on where that one
// stopped, may be handed over again, and is the one that accounts for the whole of it when it ends: one line in the
// access log, one count of its bytes.
//
// Owned by the acceptor's task for the connection.
#pragma once
#include <memory>
#include <optional>

#include "base/task.h"
#include "restart/handover.h"
#include "worker/flow/client_connection.h"
#include "worker/flow/socket_stream.h"
#include "worker/services.h"
#include "worker/telemetry/record.h"
#include "worker/tunnel/relay.h"

namespace sluice::worker {

class TakenTunnel {
 public:
  /// `state` has a tunnel.
  TakenTunnel(const Services& services, EndpointIndex endpoint, ClientConnection& connection, SocketStream& client,
              Fd origin, restart::MovedTunnel state);
  TakenTunnel(TakenTunnel&&) = delete;
  ~TakenTunnel();

  /// Ends with the tunnel, or when it has been handed over.
  Task<> run();

 private:
  void account();

  const Services& services_;
  std::shared_ptr<const Policy> policy_;  // to the end of the tunnel
  const Endpoint& endpoint_;
  ClientConnection& connection_;
  SocketStream& client_;
  SocketStream origin_;
  restart::MovedTunnel state_;
  AccessRecord record_;
  http::Fields request_fields_;
  http::Fields response_fields_;
  Nanos started_;
  Buffer from_client_;
  Buffer from_origin_;
  TunnelCounts counts_;
  TunnelProgress progress_;
  std::optional<Error> error_;
  bool finished_ = false;
};

}  // namespace sluice::worker
