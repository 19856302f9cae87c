// Router: which upstream group serves a request of a reverse endpoint, by host and path. Built once from the settings,
// asked for every request, allocates nothing.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/settings/endpoint.h"
#include "worker/flow/route_rules.h"
#include "worker/offramp/upstream.h"

namespace sluice::worker {

/// What a route has for a request: one of the two, or both.
struct RouteTarget {
  UpstreamGroup* group = nullptr;
  const RouteRules* rules = nullptr;
  RouteIndex index = kNoRoute;
  [[nodiscard]] bool found() const { return group != nullptr || rules != nullptr; }
};

class Router {
 public:
  /// Names in routes have been checked when the configuration was read. `names`: the index of each route's name.
  Router(const std::vector<ipc::RouteSettings>& routes, const UpstreamGroups& groups,
         std::span<const RouteIndex> names);

  /// Nothing found when no route wants it. `path` without query. An exact host wins over "*.", that over a route for
  /// all hosts; among those the longest path.
  [[nodiscard]] RouteTarget find(std::string_view host, std::string_view path) const;

 private:
  struct Route {
    enum class Match : std::uint8_t { kExact, kBelow, kAny };
    Match match;
    std::string host;  // lower case; of kBelow with the leading dot
    std::string path;
    RouteTarget target;

    [[nodiscard]] bool takes_host(std::string_view asked) const;
    [[nodiscard]] bool takes_path(std::string_view asked) const;
  };
  std::vector<Route> routes_;  // best first
  std::vector<std::unique_ptr<RouteRules>> rules_;
};

}  // namespace sluice::worker
