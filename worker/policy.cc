// See policy.h.
#include "worker/policy.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "worker/offramp/origin_pool.h"

namespace sluice::worker {
namespace {

// Every name has series in the metrics for as long as the worker lives.
constexpr std::size_t kMostNames = 4096;

// "a.example,b.example/path", "*/".
std::string name_of(const ipc::RouteSettings& route) {
  std::string name = route.hosts.empty() ? "*" : "";
  for (const std::string& host : route.hosts) name += (name.empty() ? "" : ",") + host;
  return name + route.path;
}

Result<std::uint32_t> index_of(std::vector<std::string>& names, const std::string& name) {
  const auto known = std::ranges::find(names, name);
  if (known == names.end()) {
    if (names.size() == kMostNames)
      return fail(Code::kOverload,
                  "the worker has seen so many names of routes and upstreams that it needs a new start");
    names.push_back(name);
    return static_cast<std::uint32_t>(names.size() - 1);
  }
  return static_cast<std::uint32_t>(known - names.begin());
}

Result<UpstreamGroups> groups_of(const ipc::TenantSettings& settings, const PolicyMakings& makings) {
  UpstreamGroups groups;
  for (const ipc::UpstreamSettings& upstream : settings.upstreams) {
    std::shared_ptr<UpstreamGroup> group = makings.pool.find(upstream.name);
    const Result<UpstreamIndex> index = index_of(makings.names.upstreams, upstream.name);
    if (!index) return fail(index.error());
    if (group == nullptr)
      group = std::make_shared<UpstreamGroup>(std::make_shared<const ipc::UpstreamSettings>(upstream), *index);
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace

Result<std::shared_ptr<const Policy>> make_policy(std::shared_ptr<const ipc::TenantSettings> settings,
                                                  const PolicyMakings& makings) {
  Result<UpstreamGroups> groups = groups_of(*settings, makings);
  if (!groups) return fail(std::move(groups).error());
  auto policy = std::make_shared<Policy>(std::move(settings), *std::move(groups));
  TrafficNames& names = makings.names;
  for (const ipc::EndpointSettings& endpoint : policy->settings->endpoints) {
    const std::size_t at = policy->endpoints.size();
    if (names.endpoints.size() == at) names.endpoints.push_back(endpoint.name);
    if (names.routes.size() == at) names.routes.emplace_back();
    std::vector<RouteIndex> routes;
    for (const ipc::RouteSettings& route : endpoint.routes) {
      const Result<RouteIndex> index = index_of(names.routes[at], name_of(route));
      if (!index) return fail(index.error());
      routes.push_back(*index);
    }
    Result<Networks> trusted = Networks::parse(endpoint.proxy_protocol.trusted);
    if (!trusted) return fail(std::move(trusted).error());
    policy->endpoints.push_back(std::make_unique<Endpoint>(endpoint, static_cast<EndpointIndex>(at), policy->upstreams,
                                                           Router(endpoint.routes, policy->upstreams, routes),
                                                           *std::move(trusted)));
  }
  return std::shared_ptr<const Policy>(std::move(policy));
}

Result<> may_adopt(const ipc::TenantSettings& before, const ipc::TenantSettings& after) {
  const auto same_endpoint = [](const ipc::EndpointSettings& one, const ipc::EndpointSettings& other) {
    return one.name == other.name && one.mode == other.mode;
  };
  if (before.name != after.name || !std::ranges::equal(before.endpoints, after.endpoints, same_endpoint))
    return fail(Code::kUnsupported, "the endpoints are others");
  for (const ipc::UpstreamSettings& upstream : after.upstreams) {
    const auto known = std::ranges::find(before.upstreams, upstream.name, &ipc::UpstreamSettings::name);
    const bool same = known == before.upstreams.end()
                          ? upstream.off_ramp.source_addresses.empty()
                          : upstream.off_ramp.source_addresses == known->off_ramp.source_addresses;
    if (!same) return fail(Code::kUnsupported, "upstream " + upstream.name + " has other source_addresses");
  }
  return {};
}

}  // namespace sluice::worker
