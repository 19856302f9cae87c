// Services: what a worker has one of, as references for those who serve connections. Built by worker/worker.cc, which
// owns the things themselves; whoever gets it may keep it, because everything in it outlives every connection.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "app/sluice/hook.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/net/cidr.h"
#include "ipc/settings/tenant.h"
#include "worker/flow/error_pages.h"
#include "worker/flow/forwarded.h"
#include "worker/flow/proxy_auth.h"
#include "worker/offramp/router.h"
#include "worker/tls/server.h"

namespace sluice::ipc {
class ConnectionTable;
}

namespace sluice::worker {

class AccessLog;
class EgressPolicy;
class HandOver;
class Limits;
class OriginPool;
class PathMetrics;
class Resolver;

/// An endpoint at work. Lifetime: as the policy that it belongs to.
struct Endpoint {
  const ipc::EndpointSettings& settings;
  EndpointIndex index;
  const UpstreamGroups& upstreams;  ///< of the tenant
  Router router;
  Networks proxy_peers;                  ///< who may speak the PROXY protocol
  std::shared_ptr<const TlsServer> tls;  ///< null: clear text
  ForwardedRules forwarded{settings};
  ProxyAuth proxy_auth{settings.proxy_auth};
  ErrorPages error_pages{settings.error_pages};
};

/// What a worker does with connections and requests, as one set of settings says. When other settings are put in force
/// another one takes its place; a request goes on with the one it began with, and so keeps it alive. Nobody else holds
/// on to parts of it across an await.
struct Policy {
  Policy(std::shared_ptr<const ipc::TenantSettings> its, UpstreamGroups groups)
      : settings(std::move(its)), upstreams(std::move(groups)) {}
  Policy(Policy&&) = delete;

  std::shared_ptr<const ipc::TenantSettings> settings;
  UpstreamGroups upstreams;  ///< in the order of the settings
  TlsClients tls;            ///< to each of them
  std::vector<std::unique_ptr<Endpoint>> endpoints;

  [[nodiscard]] const Endpoint& endpoint(EndpointIndex index) const { return *endpoints[index]; }
};

struct Services {
  Loop& loop;
  Log& log;
  const ipc::TenantSettings& settings;          ///< as the worker began: only for what needs new processes to change
  const std::shared_ptr<const Policy>& policy;  ///< the one in force
  detail::HookSet& hooks;
  Resolver& resolver;
  const EgressPolicy& egress_policy;
  Limits& limits;
  Signer& signer;
  const Tickets& tickets;
  OriginPool& pool;
  AccessLog& access_log;
  PathMetrics& metrics;
  ipc::ConnectionTable& table;
  HandOver& handover;
  /// Closes what is cheapest to lose while data blocks are short: true when that is enough.
  const std::function<bool()>& shed;
  /// Set while the worker drains: connections that are not to be handed over say close with their next response.
  const bool& draining;
};

}  // namespace sluice::worker
