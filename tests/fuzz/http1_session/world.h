// World: everything that a session needs, in one process: a worker's services, a client on a socket pair, and origins
// that are dialled on loopback. The target drives both ends byte by byte; no step waits for a clock.
//
// Lives as long as the process; a session and its origin pool are made for each input.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/frames.h"
#include "base/scope.h"
#include "ipc/metrics.h"
#include "ipc/slab.h"
#include "worker/flow/socket_stream.h"
#include "worker/handover/handover.h"
#include "worker/limits/limits.h"
#include "worker/offramp/egress_policy.h"
#include "worker/offramp/origin_pool.h"
#include "worker/offramp/resolver.h"
#include "worker/onramp/http1_session.h"
#include "worker/telemetry/access_log.h"
#include "worker/telemetry/metrics.h"

namespace sluice::fuzz {

/// One end of a connection in the hands of the target.
struct Peer {
  explicit Peer(Fd socket) : fd(std::move(socket)) {}
  /// Sends what the kernel takes.
  void send(std::string_view bytes) const;
  /// Reads what is there into `received`.
  void receive();
  void end() const;
  /// Closes so that no trace of the port stays.
  void reset();

  Fd fd;
  std::string received;
  bool ended = false;
};

class World {
 public:
  static World& get();

  [[nodiscard]] Fd accept() const;

  Loop loop;
  ipc::TenantSettings settings;

 private:
  friend class Life;
  World();

  class Silence final : public LogOutput {
   public:
    bool write(std::string_view) override { return true; }
  };

  Silence silence_;
  Log log_;
  Fd listener_;
  Fd slab_memory_;
  ipc::Slab slab_;
  ipc::MetricsWriter writer_;
  ipc::ConnectionTable table_;
  worker::TrafficNames names_;
  worker::PathMetrics metrics_;
  worker::AccessLog access_log_;
  std::unique_ptr<worker::Resolver> resolver_;
  worker::EgressPolicy egress_;
  worker::Limits limits_;
  detail::HookSet hooks_;
  bool draining_ = false;
  worker::HandOver handover_{loop};
  std::function<bool()> shed_ = [] { return false; };
};

enum class Kind : std::uint8_t { kReverse, kForward };

/// One session: what the target sees of it is its client and the origins that it has dialled.
class Life {
 public:
  Life(World& world, Kind kind);
  Life(Life&&) = delete;
  ~Life();

  [[nodiscard]] Peer& client() { return *client_; }
  /// Those that were dialled, the last one last.
  [[nodiscard]] std::vector<std::unique_ptr<Peer>>& origins() { return origins_; }
  [[nodiscard]] bool over() const { return over_; }

  /// Lets the session run, and takes in what it has sent and whom it has dialled.
  Task<> turn(int times);

 private:
  Task<> serve();
  void look();

  World& world_;
  std::unique_ptr<Peer> client_;
  std::vector<std::unique_ptr<Peer>> origins_;
  worker::OriginPool pool_;
  std::shared_ptr<const worker::Policy> policy_;
  worker::Signer signer_;
  worker::Tickets tickets_;
  worker::Services services_;
  worker::EndpointIndex endpoint_;
  worker::ClientConnection connection_;
  std::unique_ptr<worker::SocketStream> stream_;
  bool over_ = false;
  Scope scope_;  // last: dies first
};

}  // namespace sluice::fuzz
