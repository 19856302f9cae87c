// Acceptor: takes connections from the listening sockets the supervisor handed over and runs a session for each, within
// the tenant's limit. It owns the sessions: when it goes, they are cancelled.
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/scope.h"
#include "worker/flow/client_connection.h"
#include "worker/flow/socket_stream.h"
#include "worker/limits/limits.h"
#include "worker/services.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {

class Acceptor {
 public:
  explicit Acceptor(const Services& services) : services_(services) {}
  Acceptor(Acceptor&&) = delete;

  /// Begins to accept. The endpoint must outlive the acceptor.
  void add(Fd listener, const Endpoint& endpoint);
  /// No more connections: takes what the kernel has queued, then closes the listening sockets, and wakes idle sessions
  /// so that they see that the worker drains.
  void drain();
  /// Ends when the last connection has ended, or at the deadline: true when all ended by themselves.
  Task<bool> wait_for_end(Deadline deadline);
  [[nodiscard]] std::size_t connections() const { return sessions_.size(); }

 private:
  struct Listening {
    Fd socket;
    const Endpoint& endpoint;
    Scope task;
    Listening(Fd fd, const Endpoint& at) : socket(std::move(fd)), endpoint(at) {}
  };
  /// One client, linked into the list of the living so that it can be woken; counted in the metrics by being.
  struct Client {
    const Services& services;
    const Endpoint& endpoint;
    ClientConnection connection;
    SocketStream stream;
    Sources::Visit visit;
    Client* next;
    Client** link;

    Client(const Services& services, const Endpoint& endpoint, SocketAddress peer, Fd fd, Client*& list);
    Client(Client&&) = delete;
    ~Client();
  };

  Task<> run(Listening& listening);
  /// Accepts until nothing waits; false when it had to stop early (descriptors, memory).
  [[nodiscard]] bool accept_all(Listening& listening);
  Task<> serve(std::unique_ptr<Client> client);
  /// Takes the PROXY header and believes it. Errors: there is none, and the connection is to be closed.
  Task<Result<>> learn_client(Client& client);
  /// Counts a connection of its source. Why it is refused; nothing when it is not.
  [[nodiscard]] std::optional<Refused> count_source(const SocketAddress& from, Sources::Visit& visit);
  /// May this address connect at all?
  [[nodiscard]] static bool may_connect(const Endpoint& endpoint, const SocketAddress& peer) {
    return !endpoint.settings.proxy_protocol.enabled || peer.is_unix() || endpoint.proxy_peers.contains(peer.ip());
  }
  void refuse(const Client& client, Refused reason, const Error& error);
  [[nodiscard]] bool full() const { return sessions_.size() >= services_.settings.limits.connections; }

  const Services& services_;
  Client* clients_ = nullptr;
  Signal room_;
  std::vector<std::unique_ptr<Listening>> listening_;
  Scope sessions_;
};

}  // namespace sluice::worker
