// Acceptor: takes connections from the listening sockets the supervisor handed over and runs a session for each, within
// the tenant's limit. It owns the sessions: when it goes, they are cancelled.
//
// At a switch to another generation it pauses: the sockets stay, so that the switch can be taken back. When it drains
// it looks ten times a second for connections whose budget is spent; sessions know nothing of budgets, they see their
// connection end.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/fd.h"
#include "base/scope.h"
#include "restart/drain.h"
#include "worker/flow/client_connection.h"
#include "worker/flow/socket_stream.h"
#include "worker/handover/reception.h"
#include "worker/limits/limits.h"
#include "worker/services.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {

class Acceptor {
 public:
  explicit Acceptor(const Services& services)
      : services_(services), descriptor_mark_(descriptor_mark(services.settings.limits.descriptors)) {}
  Acceptor(Acceptor&&) = delete;

  /// Takes a listening socket in; accept() begins to use it.
  void add(std::uint32_t number, Fd listener, EndpointIndex endpoint);
  /// From all listening sockets, for the first time or again.
  void accept();
  /// No more connections, but from the sockets with these numbers; marks everything that is open.
  void pause(std::span<const std::uint32_t> keep);
  /// No more connections: takes what the kernel has queued where it has not paused, and closes the listening sockets.
  void close_listeners();
  /// Ends when the last connection has ended, cutting each when its budget is spent; returns how many were cut. The
  /// order is looked at anew each time: another may replace it.
  Task<std::size_t> drain(const restart::DrainOrder& order);
  [[nodiscard]] std::size_t connections() const { return sessions_.size(); }

  // handing_over.cc
  /// Wants every connection to be handed over that may be, and stops those that wait, a few at a time; the others stop
  /// by themselves as soon as they can. Ends when all that wait have been stopped.
  Task<> send_away();
  /// Takes over what comes on a channel from a worker of another generation, until that one has nothing more.
  Task<> take_over(Fd channel, std::uint64_t generation);

  // shedding.cc
  /// Closes connections whose request is not there yet, the newest first, while more data blocks are in use than may
  /// be: true when that is enough.
  [[nodiscard]] bool shed();
  /// Does so for ever; spawned by the worker.
  Task<> watch_memory();

 private:
  void want_away(Moving what);
  struct Listening {
    std::uint32_t number;
    Fd socket;
    EndpointIndex endpoint;
    Signal room;  // a connection has ended
    Scope task;   // empty: paused
    Listening(std::uint32_t its, Fd fd, EndpointIndex at) : number(its), socket(std::move(fd)), endpoint(at) {}
  };
  /// One client, linked into the list of the living so that it can be woken; counted in the metrics by being.
  enum class Came : std::uint8_t { kAccepted, kTakenOver };
  /// What a client that drains is at, and the budget of that.
  enum class Stage : std::uint8_t { kUnseen, kIdle, kTunnel, kUpload, kRequest };
  struct Spent {
    Stage stage;
    std::string_view what;
    Millis budget;
  };
  struct Client {
    const Services& services;
    EndpointIndex endpoint;
    bool shed = false;
    Stage stage = Stage::kUnseen;  // when last looked at, and since when
    Nanos stage_since{0};
    ClientConnection connection;
    SocketStream stream;
    /// TLS on top of it.
    struct Secured {
      std::shared_ptr<const TlsServer> server;  // outlives the stream
      std::unique_ptr<TlsStream> stream;
    };
    std::unique_ptr<Secured> secured;
    Sources::Visit visit;
    Client* next;
    Client** link;

    Client(const Services& services, EndpointIndex endpoint, SocketAddress peer, ipc::ConnectionSlot row, Fd fd,
           Client*& list, Came came);
    Client(Client&&) = delete;
    ~Client();

    /// What HTTP is spoken on.
    [[nodiscard]] ByteStream& bytes() {
      if (secured == nullptr) return stream;
      return *secured->stream;
    }
    /// As SocketStream has it; says close_notify before.
    [[nodiscard]] bool end_if_quiet();
  };

  /// A connection of another worker, before it is served.
  struct Taken {
    std::unique_ptr<Client> client;
    restart::MovedConnection state;
    Fd origin;  // of a tunnel
  };

  Task<> run(Listening& listening);
  /// Accepts until nothing waits; false when it had to stop early (descriptors, memory).
  [[nodiscard]] bool accept_all(Listening& listening);
  Task<> serve(std::unique_ptr<Client> client);
  /// A client that has turned out to speak HTTP/2; `read` holds its first bytes.
  Task<> serve_http2(Client& client, Buffer& read);
  /// Frees its place.
  void ended(std::unique_ptr<Client> client);
  /// Takes the PROXY header and believes it. Errors: there is none, and the connection is to be closed.
  Task<Result<>> learn_client(Client& client);
  /// The TLS handshake, where the endpoint has one. Errors: it has failed, which has been said and counted.
  Task<Result<>> secure(Client& client);
  /// Counts a connection of its source. Why it is refused; nothing when it is not.
  [[nodiscard]] std::optional<Refused> count_source(const SocketAddress& from, Sources::Visit& visit);
  /// May this address connect at all?
  [[nodiscard]] static bool may_connect(const Endpoint& endpoint, const SocketAddress& peer) {
    return !endpoint.settings.proxy_protocol.enabled || peer.is_unix() || endpoint.proxy_peers.contains(peer.ip());
  }
  /// As the settings in force have it; the name stays the same in all of them.
  [[nodiscard]] const Endpoint& endpoint(EndpointIndex index) const { return services_.policy->endpoint(index); }
  [[nodiscard]] const std::string& name_of(EndpointIndex index) const { return endpoint(index).settings.name; }
  void refuse(const Client& client, Refused reason, const Error& error);
  void mark_open();
  void wind_down(const Client& client, const restart::DrainOrder& order);
  [[nodiscard]] static Spent classify(const ClientConnection& connection, const restart::DrainBudgets& budgets);
  /// Cuts it when its time is over: true when it did.
  [[nodiscard]] bool enforce(Client& client, const restart::DrainOrder& order);
  [[nodiscard]] bool full() const { return sessions_.size() >= services_.settings.limits.connections; }

  // handing_over.cc
  Task<> serve_taken(std::unique_ptr<Taken> taken);
  /// Looks at what is offered. Errors: why it is refused.
  [[nodiscard]] Result<std::unique_ptr<Taken>> examine(Reception::Arrival arrival);

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
  bool marked_ = false;
  std::vector<std::unique_ptr<Listening>> listening_;
  Scope sessions_;
};

}  // namespace sluice::worker
