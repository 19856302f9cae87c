// HealthCheck: probes one server of a group, again and again, and tells the group. A probe is a connection, with TLS
// when requests have it, and a GET on it when a path is configured. It goes the way of requests but for hooks and pool:
// by the same resolver and dialler, never on a connection that a request could get. One task per server and worker, in
// the worker's scope; destroying it ends the probe under way.
#pragma once
#include "base/loop.h"
#include "base/result.h"
#include "base/task.h"
#include "worker/offramp/small_random.h"
#include "worker/offramp/upstream.h"

namespace sluice::worker {

class Resolver;

class HealthCheck {
 public:
  HealthCheck(Loop& loop, Resolver& resolver) : loop_(loop), resolver_(resolver) {}
  HealthCheck(HealthCheck&&) = delete;

  /// For ever.
  Task<> watch(UpstreamGroup& group, Member& member);
  /// One probe. Errors: why the server is not well.
  Task<Result<>> probe(const ipc::UpstreamSettings& settings, const OriginServer& server);

 private:
  Task<Result<>> ask(const ipc::UpstreamSettings& settings, const OriginServer& server,
                     std::unique_ptr<OriginConnection> connection, Deadline deadline);
  Task<Result<>> ask_on(const ipc::UpstreamSettings& settings, const OriginServer& server, OriginSide& origin);
  /// Ten percent more or less.
  [[nodiscard]] Millis spread(Millis interval);

  Loop& loop_;
  Resolver& resolver_;
  SmallRandom random_;
};

}  // namespace sluice::worker
