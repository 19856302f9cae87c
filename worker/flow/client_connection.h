// ClientConnection: the facts of one client connection that its exchanges share: who it is, where it came in, its
// context, its row in the connection table. Owned by the on-ramp for as long as the connection lives.
#pragma once
#include <memory>

#include "app/sluice/context.h"
#include "base/time.h"
#include "ipc/connection_table.h"
#include "worker/flow/halt.h"

namespace sluice::worker {

class ClientSide;
class TlsStream;

/// The streams of a connection that carries several requests at a time, for those who know only connections.
class Streams {
 public:
  Streams() = default;
  Streams(Streams&&) = delete;
  virtual ~Streams() = default;

  /// A switch: what is open now is counted, or is not to be.
  virtual void mark_open() = 0;
  virtual void forget_marks() = 0;
  /// The fate of what is open from now on: cut.
  virtual void cut() = 0;
  /// The body of a request is still coming on one of them.
  [[nodiscard]] virtual bool receiving() const = 0;
  /// No new streams; the connection ends when the last one has.
  virtual void wind_down() = 0;
};

struct ClientConnection {
  detail::ConnectionCore core;
  ipc::ConnectionSlot slot;
  int socket = -1;  ///< of a client that came by socket: for its addresses only
  /// Where the client wanted to connect to, when a load balancer has said so; otherwise null.
  std::unique_ptr<SocketAddress> destination;
  Nanos started;
  std::uint64_t requests = 0;
  Nanos idle_since;                     ///< the end of the last request
  const ClientSide* current = nullptr;  ///< of the request that is being served
  Halt halt;
  Streams* streams = nullptr;  ///< of a connection that has some
  TlsStream* tls = nullptr;    ///< of one that is encrypted

  ClientConnection(const detail::ContextType& context, ipc::ConnectionSlot&& row, Nanos now)
      : core(context), slot(std::move(row)), started(now), idle_since(now) {
    core.id = slot.id();
  }
};

/// Where the work of one request shows in the connection table, and how it is stopped from outside.
struct WorkPlace {
  ipc::ConnectionSlot& slot;
  Halt& halt;
};

}  // namespace sluice::worker
