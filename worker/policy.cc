// See policy.h.
#include "worker/policy.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "base/check.h"
#include "worker/offramp/origin_pool.h"

namespace sluice::worker {
namespace {

// Every name has series in the metrics for as long as the worker lives: so many may be remembered besides those that
// the settings have.
constexpr std::size_t kMostOldNames = 4096;

// "a.example,b.example/path", "*/".
std::string name_of(const ipc::RouteSettings& route) {
  std::string name = route.hosts.empty() ? "*" : "";
  for (const std::string& host : route.hosts) name += (name.empty() ? "" : ",") + host;
  return name + route.path;
}

// A list of names, for many look-ups.
class Names {
 public:
  /// `wanted`: so many of them may be new.
  Names(std::vector<std::string>& names, std::size_t wanted) : names_(names), most_(wanted + kMostOldNames) {
    for (const std::string& name : names) known_.emplace(name, static_cast<std::uint32_t>(known_.size()));
  }
  [[nodiscard]] Result<std::uint32_t> index_of(const std::string& name) {
    const auto [at, added] = known_.emplace(name, static_cast<std::uint32_t>(names_.size()));
    if (!added) return at->second;
    if (names_.size() >= most_)
      return fail(Code::kOverload, "so many names of routes and upstreams have been in use that it needs a new start");
    names_.push_back(name);
    return at->second;
  }

 private:
  std::vector<std::string>& names_;
  std::size_t most_;
  std::unordered_map<std::string, std::uint32_t> known_;
};

Result<UpstreamGroups> groups_of(const ipc::TenantSettings& settings, const PolicyMakings& makings) {
  UpstreamGroups groups;
  Names names(makings.names.upstreams, settings.upstreams.size());
  std::unordered_map<std::string_view, std::shared_ptr<UpstreamGroup>> in_use;
  for (const std::shared_ptr<UpstreamGroup>& group : makings.pool.configured()) in_use.emplace(group->name(), group);
  for (const ipc::UpstreamSettings& upstream : settings.upstreams) {
    const Result<UpstreamIndex> index = names.index_of(upstream.name);
    if (!index) return fail(index.error());
    const auto known = in_use.find(upstream.name);
    groups.push_back(known != in_use.end() ? known->second
                                           : std::make_shared<UpstreamGroup>(
                                                 std::make_shared<const ipc::UpstreamSettings>(upstream), *index));
  }
  return groups;
}

// The client of a group whose settings of TLS stay is kept: its sessions and connections go on. Null: without TLS.
Result<std::shared_ptr<const TlsClient>> client_of(const ipc::UpstreamSettings& upstream,
                                                   const PolicyMakings& makings) {
  if (!upstream.tls.enabled) return nullptr;
  for (const std::shared_ptr<UpstreamGroup>& group : makings.pool.configured())
    if (group->name() == upstream.name && group->tls() != nullptr && group->tls()->settings() == upstream.tls &&
        group->tls()->versions() == upstream.http.versions)
      return group->tls();
  Result<std::shared_ptr<const TlsClient>> made = TlsClient::make(upstream.tls, makings.trust, upstream.http.versions);
  if (!made) return fail(std::move(made.error()).during("upstream " + upstream.name));
  return made;
}

Result<std::shared_ptr<const TlsServer>> server_of(const ipc::EndpointSettings& endpoint,
                                                   const ipc::SessionTicketSettings& tickets) {
  if (!endpoint.tls.enabled) return std::shared_ptr<const TlsServer>();
  return TlsServer::make(endpoint, tickets);
}

Result<std::unique_ptr<Endpoint>> endpoint_of(const ipc::TenantSettings& settings, std::size_t at,
                                              const UpstreamGroups& upstreams, TrafficNames& names) {
  const ipc::EndpointSettings& endpoint = settings.endpoints[at];
  if (names.endpoints.size() == at) names.endpoints.push_back(endpoint.name);
  if (names.routes.size() == at) names.routes.emplace_back();
  Names known(names.routes[at], endpoint.routes.size());
  std::vector<RouteIndex> routes;
  for (const ipc::RouteSettings& route : endpoint.routes) {
    const Result<RouteIndex> index = known.index_of(name_of(route));
    if (!index) return fail(index.error());
    routes.push_back(*index);
  }
  Result<Networks> trusted = Networks::parse(endpoint.proxy_protocol.trusted);
  if (!trusted) return fail(std::move(trusted).error());
  Result<std::shared_ptr<const TlsServer>> server = server_of(endpoint, settings.session_tickets);
  if (!server) return fail(std::move(server).error());
  return std::make_unique<Endpoint>(endpoint, static_cast<EndpointIndex>(at), upstreams,
                                    Router(endpoint.routes, upstreams, routes), *std::move(trusted),
                                    *std::move(server));
}

}  // namespace

bool needs_system_trust(const ipc::TenantSettings& settings) {
  return std::ranges::any_of(settings.upstreams, [](const auto& one) { return TlsClient::needs_system(one.tls); });
}

Result<> check_tls(const ipc::TenantSettings& settings, const TlsTrust* trust) {
  for (const ipc::UpstreamSettings& upstream : settings.upstreams) {
    if (!upstream.tls.enabled) continue;
    const Result<std::shared_ptr<const TlsClient>> made = TlsClient::make(upstream.tls, trust, upstream.http.versions);
    if (!made) return fail(Error(made.error()).during("upstream " + upstream.name));
  }
  for (const ipc::EndpointSettings& endpoint : settings.endpoints)
    if (const auto made = server_of(endpoint, settings.session_tickets); !made) return fail(made.error());
  return {};
}

PolicyMaker::PolicyMaker(std::shared_ptr<const ipc::TenantSettings> settings, const PolicyMakings& makings)
    : makings_(makings), policy_(std::make_shared<Policy>(std::move(settings), UpstreamGroups())) {}

bool PolicyMaker::done() const {
  return grouped_ && policy_->tls.size() == policy_->upstreams.size() &&
         policy_->endpoints.size() == policy_->settings->endpoints.size();
}

// First the groups, then the TLS of one of them after the other, then one endpoint after the other.
Result<> PolicyMaker::next() {
  const ipc::TenantSettings& settings = *policy_->settings;
  if (!grouped_) {
    Result<UpstreamGroups> groups = groups_of(settings, makings_);
    if (!groups) return fail(std::move(groups).error());
    policy_->upstreams = *std::move(groups);
    grouped_ = true;
  } else if (policy_->tls.size() < policy_->upstreams.size()) {
    const ipc::UpstreamSettings* upstream = nullptr;
    do {  // one without TLS takes no time
      upstream = &settings.upstreams[policy_->tls.size()];
      Result<std::shared_ptr<const TlsClient>> client = client_of(*upstream, makings_);
      if (!client) return fail(std::move(client).error());
      policy_->tls.push_back(*std::move(client));
    } while (!upstream->tls.enabled && policy_->tls.size() < policy_->upstreams.size());
  } else {
    const std::size_t at = policy_->endpoints.size();
    Result<std::unique_ptr<Endpoint>> endpoint = endpoint_of(settings, at, policy_->upstreams, makings_.names);
    if (!endpoint) return fail(std::move(endpoint).error());
    policy_->endpoints.push_back(*std::move(endpoint));
  }
  return {};
}

Result<std::shared_ptr<const Policy>> make_policy(std::shared_ptr<const ipc::TenantSettings> settings,
                                                  const PolicyMakings& makings) {
  PolicyMaker maker(std::move(settings), makings);
  while (!maker.done())
    if (Result<> made = maker.next(); !made) return fail(std::move(made).error());
  return maker.take();
}

Result<> may_adopt(const ipc::TenantSettings& before, const ipc::TenantSettings& after) {
  const auto same_endpoint = [](const ipc::EndpointSettings& one, const ipc::EndpointSettings& other) {
    return one.name == other.name && one.mode == other.mode && one.tls.enabled == other.tls.enabled;
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
