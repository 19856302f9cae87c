// Services: what a worker has one of, as references for those who serve connections. Built by worker/worker.cc, which
// owns the things themselves; whoever gets it may keep it, because everything in it outlives every connection.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
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

namespace sluice::ipc {
class ConnectionTable;
}

namespace sluice::worker {

class AccessLog;
class EgressPolicy;
class Limits;
class OriginPool;
class PathMetrics;
class Resolver;

/// An endpoint at work.
struct Endpoint {
  const ipc::EndpointSettings& settings;
  EndpointIndex index;
  Router router;
  Networks proxy_peers;  ///< who may speak the PROXY protocol
  ForwardedRules forwarded{settings};
  ProxyAuth proxy_auth{settings.proxy_auth};
  ErrorPages error_pages{settings.error_pages};
};

struct Services {
  Loop& loop;
  Log& log;
  const ipc::TenantSettings& settings;
  detail::HookSet& hooks;
  Resolver& resolver;
  const EgressPolicy& egress_policy;
  Limits& limits;
  OriginPool& pool;
  const std::vector<std::unique_ptr<UpstreamGroup>>& upstreams;
  AccessLog& access_log;
  PathMetrics& metrics;
  ipc::ConnectionTable& table;
  /// Closes what is cheapest to lose while data blocks are short: true when that is enough.
  const std::function<bool()>& shed;
  /// Set while the worker drains: connections say close with their next response.
  const bool& draining;
};

}  // namespace sluice::worker
