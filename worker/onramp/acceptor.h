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
  explicit Acceptor(const Services& services)
      : services_(services), descriptor_mark_(descriptor_mark(services.settings.limits.descriptors)) {}
  Acceptor(Acceptor&&) = delete;

  /// Begins to accept. The endpoint must outlive the acceptor.
  void add(Fd listener, const Endpoint& endpoint);
  /// No more connections: takes what the kernel has queued, then closes the listening sockets, and wakes idle sessions
  /// so that they see that the worker drains.
  void drain();
  /// Ends when the last connection has ended, or at the deadline: true when all ended by themselves.
  Task<bool> wait_for_end(Deadline deadline);
  [[nodiscard]] std::size_t connections() const { return sessions_.size(); }

  // shedding.cc
  /// Closes connections whose request is not there yet, the newest first, while more data blocks are in use than may
  /// be: true when that is enough.
  [[nodiscard]] bool shed();
  /// Does so for ever; spawned by the worker.
  Task<> watch_memory();

 private:
  struct Listening {
    Fd socket;
    const Endpoint& endpoint;
    Signal room;  // a connection has ended
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
    bool shed = false;

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

  // shedding.cc
  [[nodiscard]] static std::size_t descriptor_mark(std::uint32_t configured);
  [[nodiscard]] bool short_of_descriptors() const;
  void crowd();
  [[nodiscard]] bool still_crowded();

  const Services& services_;
  Client* clients_ = nullptr;
  std::size_t descriptor_mark_;  // a descriptor with this number or more: not many are left
  bool crowded_ = false;         // accepting has paused because of that
  std::size_t shedding_ = 0;     // connections that were shed and have not ended yet
  Nanos next_shed_{0};
  std::vector<std::unique_ptr<Listening>> listening_;
  Scope sessions_;
};

}  // namespace sluice::worker
