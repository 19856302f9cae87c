// See router.h.
#include "worker/offramp/router.h"

#include <algorithm>

#include "base/check.h"
#include "base/net/host_name.h"
#include "proto/http/ascii.h"

namespace sluice::worker {

bool Router::Route::takes_host(std::string_view asked) const {
  switch (match) {
    case Match::kAny:
      return true;
    case Match::kExact:
      return http::equal_ignore_case(asked, host);
    case Match::kBelow:
      return asked.size() > host.size() && http::equal_ignore_case(asked.substr(asked.size() - host.size()), host);
  }
  return false;
}

bool Router::Route::takes_path(std::string_view asked) const {
  if (!asked.starts_with(path)) return false;
  return path.ends_with('/') || asked.size() == path.size() || asked[path.size()] == '/';
}

Router::Router(const std::vector<ipc::RouteSettings>& routes, const UpstreamGroups& groups,
               std::span<const RouteIndex> names) {
  for (const ipc::RouteSettings& route : routes) {
    const auto group = std::ranges::find_if(groups, [&](const auto& g) { return g->name() == route.upstream; });
    SLUICE_CHECK(route.upstream.empty() || group != groups.end(),
                 "a route to an upstream that does not exist passed the configuration's checks");
    rules_.push_back(RouteRules::make(route));
    const RouteTarget target = {.group = route.upstream.empty() ? nullptr : group->get(),
                                .rules = rules_.back().get(),
                                .index = names[rules_.size() - 1]};
    const auto add = [&](Route::Match match, std::string_view host) {
      routes_.push_back({.match = match, .host = std::string(host), .path = route.path, .target = target});
    };
    if (route.hosts.empty()) add(Route::Match::kAny, {});
    for (std::string_view host : route.hosts) {
      if (host.starts_with("*.")) {
        add(Route::Match::kBelow, host.substr(1));
      } else {
        add(Route::Match::kExact, host);
      }
    }
  }
  // no two routes tie that could take the same request: the configuration's checks refuse equal host and path
  std::ranges::sort(routes_, [](const Route& a, const Route& b) {
    if (a.match != b.match) return a.match < b.match;
    if (a.host.size() != b.host.size()) return a.host.size() > b.host.size();  // the longer "*." is the narrower one
    if (a.host != b.host) return a.host < b.host;
    return a.path.size() > b.path.size();
  });
}

RouteTarget Router::find(std::string_view host, std::string_view path) const {
  // "example.org." names the same host as "example.org"
  host = without_root(host);
  for (const Route& route : routes_)
    if (route.takes_host(host) && route.takes_path(path)) return route.target;
  return {};
}

}  // namespace sluice::worker
