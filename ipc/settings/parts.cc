// See parts.h.
#include "ipc/settings/parts.h"

#include <algorithm>
#include <iterator>

#include "base/settings/settings.h"

namespace sluice::ipc {
namespace {

// As many as are read in half a millisecond.
constexpr std::size_t kRoutes = 25;
constexpr std::size_t kUpstreams = 5;

struct Part {
  std::uint32_t endpoint = 0;
  std::vector<RouteSettings> routes;
  std::vector<UpstreamSettings> upstreams;

  static constexpr std::string_view about = "More of a tenant's settings.";
  static constexpr void describe(auto& f) {
    using S = Part;
    f(&S::endpoint, "endpoint", "Whose routes they are.");
    f(&S::routes, "routes", "");
    f(&S::upstreams, "upstreams", "");
  }
};
static_assert(settings::complete<Part>());

template <class T, class Write>
void in_pieces(const std::vector<T>& all, std::size_t most, const Write& write) {
  for (std::size_t at = 0; at < all.size(); at += most) {
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(at);
    write(std::vector<T>(first, first + static_cast<std::ptrdiff_t>(std::min(most, all.size() - at))));
  }
}

template <class T>
void append(std::vector<T>& all, std::vector<T> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

std::string to_parts(const TenantSettings& tenant) {
  TenantSettings head = tenant;
  head.upstreams.clear();
  for (EndpointSettings& endpoint : head.endpoints) endpoint.routes.clear();
  std::string out = settings::to_json(head);
  const auto add = [&out](const Part& part) { out += "\n" + settings::to_json(part); };
  in_pieces(tenant.upstreams, kUpstreams, [&](std::vector<UpstreamSettings> some) {
    add({.endpoint = 0, .routes = {}, .upstreams = std::move(some)});
  });
  for (std::uint32_t i = 0; i < tenant.endpoints.size(); ++i)
    in_pieces(tenant.endpoints[i].routes, kRoutes, [&](std::vector<RouteSettings> some) {
      add({.endpoint = i, .routes = std::move(some), .upstreams = {}});
    });
  return out;
}

Result<> PartsReader::next() {
  const std::size_t end = std::min(rest_.find('\n'), rest_.size());
  const std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  if (!begun_) {
    Result<TenantSettings> head = settings::from_json<TenantSettings>(line);
    if (!head) return fail(std::move(head).error());
    tenant_ = *std::move(head);
    begun_ = true;
    return {};
  }
  Result<Part> part = settings::from_json<Part>(line);
  if (!part) return fail(std::move(part).error());
  if (part->endpoint >= tenant_.endpoints.size()) return fail(Code::kBadSyntax, "a part of an endpoint there is not");
  append(tenant_.endpoints[part->endpoint].routes, std::move(part->routes));
  append(tenant_.upstreams, std::move(part->upstreams));
  return {};
}

Result<TenantSettings> tenant_from_parts(std::string_view text) {
  PartsReader reader(text);
  do {  // nothing at all is no tenant
    if (Result<> read = reader.next(); !read) return fail(std::move(read).error());
  } while (!reader.done());
  return reader.take();
}

}  // namespace sluice::ipc
