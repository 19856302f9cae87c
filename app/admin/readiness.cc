// See readiness.h.
#include "app/admin/readiness.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.h"

namespace sluice::admin {
namespace {

bool is_ready(const TenantHealth& tenant) {
  return tenant.workers > 0 && tenant.ready >= tenant.workers;
}

std::vector<std::string> reasons(const Health& health) {
  std::vector<std::string> all;
  if (!health.known) all.emplace_back("the supervisor has not said anything yet");
  if (health.draining) all.emplace_back("draining");
  for (const TenantHealth& tenant : health.tenants)
    if (!is_ready(tenant))
      all.push_back(fmt::format("tenant {}: {} of {} workers ready", tenant.tenant, tenant.ready, tenant.workers));
  return all;
}

}  // namespace

bool is_ready(const Health& health) {
  return health.known && !health.draining &&
         std::ranges::all_of(health.tenants, [](const TenantHealth& tenant) { return is_ready(tenant); });
}

std::string readiness_json(const Health& health) {
  JsonLine line;
  line.add("ready", is_ready(health)).add("draining", health.draining);
  std::string tenants;
  for (const TenantHealth& tenant : health.tenants) {
    JsonLine item;
    item.add("tenant", tenant.tenant).add("ready", is_ready(tenant));
    item.add("workers", tenant.workers).add("workers_ready", tenant.ready);
    if (!tenants.empty()) tenants += ',';
    tenants += std::move(item).take();
  }
  line.add_raw("tenants", "[" + tenants + "]");
  if (const auto why = reasons(health); !why.empty()) {
    std::string list;
    for (const std::string& reason : why) {
      if (!list.empty()) list += ',';
      append_json_string(list, reason);
    }
    line.add_raw("reasons", "[" + list + "]");
  }
  return std::move(line).take() + "\n";
}

}  // namespace sluice::admin
