// Readiness: what /ready answers, from what the supervisor says about its tenants.
//
// Ready means: traffic that comes now is served. Every worker of every tenant is ready, because the kernel spreads new
// connections over the sockets of all workers of an endpoint, also over those of one that is just starting; and nobody
// is leaving.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::admin {

struct TenantHealth {
  std::string tenant;
  std::uint64_t workers = 0;  ///< that the configuration wants
  std::uint64_t ready = 0;    ///< of them
};

struct Health {
  bool known = false;  ///< the supervisor has said something
  bool draining = false;
  std::vector<TenantHealth> tenants;
};

[[nodiscard]] bool is_ready(const Health& health);

/// {"ready":false,"draining":false,"tenants":[{"tenant":"acme","ready":false,"workers":2,"workers_ready":1}],"reasons":["tenant
/// acme: 1 of 2 workers ready"]} on one line; "reasons" only when not ready.
[[nodiscard]] std::string readiness_json(const Health& health);

}  // namespace sluice::admin
