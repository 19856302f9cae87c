// See upstream.h: places and connections. upstream_health.cc has who is well.
#include "worker/offramp/upstream.h"

#include <algorithm>

#include "base/check.h"
#include "base/net/address.h"

namespace sluice::worker {

namespace {
// Requests share connections, all of them.
bool shares(const ipc::UpstreamSettings& settings) {
  return settings.http.speaks(ipc::HttpVersion::kHttp2) && !settings.http.speaks(ipc::HttpVersion::kHttp1);
}
}  // namespace

// On HTTP/1.1 a request is a busy connection: the smaller limit counts.
std::uint32_t UpstreamGroup::most_places(const ipc::UpstreamSettings& settings) {
  if (shares(settings)) return settings.max_requests;
  if (settings.max_requests == 0) return settings.max_connections;
  if (settings.max_connections == 0) return settings.max_requests;
  return std::min(settings.max_requests, settings.max_connections);
}

UpstreamGroup::UpstreamGroup(Settings settings, UpstreamIndex index)
    : settings_(std::move(settings)), index_(index), most_places_(most_places(*settings_)), budget_(settings_->retry) {
  make_members();
  if (settings_->circuit.enabled) circuit_.emplace(settings_->circuit);
  settle(Nanos(0));
}

UpstreamGroup::UpstreamGroup(const ipc::UpstreamSettings& settings, std::string host, std::uint16_t port)
    : settings_(Settings(), &settings),
      index_(kNoUpstream),
      most_places_(most_places(settings)),
      budget_(settings.retry) {
  add(make(std::move(host), port), {});
  balancer_.emplace(ipc::Balance::kRoundRobin, members_);
  settle(Nanos(0));
}

std::unique_ptr<UpstreamGroup::Own> UpstreamGroup::make(std::string host, std::uint16_t port) const {
  return std::make_unique<Own>(std::move(host), port, index_, settings_->off_ramp);
}

void UpstreamGroup::add(std::unique_ptr<Own> own, const ipc::ServerSettings& options) {
  Member& member = own->member;
  member.base_weight = options.weight;
  member.limit = settings_->off_ramp.pool.max_connections;
  if (shares(*settings_)) member.limit *= settings_->http.streams;
  own->server.speak(settings_->http);
  member.active = options.state == ipc::ServerState::kActive;
  if (member.warming_since == Nanos(0)) member.weight = options.weight * Member::kFullShare;
  members_.add(member);
  own_.push_back(std::move(own));
}

// As the settings want them; those that are there already stay who they are.
void UpstreamGroup::make_members() {
  std::vector<std::unique_ptr<Own>> before = std::exchange(own_, {});
  members_ = {};
  for (const std::string& server : settings_->servers) {
    const Result<HostPort> place = HostPort::parse(server);
    SLUICE_CHECK(place.has_value(), "a server that the configuration's checks let through does not parse");
    const auto options = settings_->server_options.find(server);
    const auto known = std::ranges::find_if(before, [&](const std::unique_ptr<Own>& own) {
      return own != nullptr && own->server.host() == place->host && own->server.port() == place->port;
    });
    add(known != before.end() ? std::move(*known) : make(place->host, place->port),
        options == settings_->server_options.end() ? ipc::ServerSettings() : options->second);
  }
  for (std::unique_ptr<Own>& own : before)
    if (own != nullptr) gone_.push_back(std::move(own));
  balancer_.emplace(settings_->balance, members_);
}

Place UpstreamGroup::take_place(const Wanted& wanted, Nanos now) {
  if (now >= next_change_) refresh(now);
  if (most_places_ != 0 && places_ >= most_places_) return {};
  Member* const member = balancer_->pick(wanted);
  if (member == nullptr) return {};
  ++member->places;
  ++places_;
  return {*this, *member};
}

void UpstreamGroup::give_back(Member& member) {
  --member.places;
  --places_;
  if (member.places == 0 && !gone_.empty())
    std::erase_if(gone_, [&](const std::unique_ptr<Own>& own) { return &own->member == &member; });
  line_.call();
}

void UpstreamGroup::make_room(PathMetrics& metrics) {
  const std::uint32_t most = shares(*settings_) ? 0 : settings_->max_connections;
  while (most != 0 && places_ + idle() > most) {
    OriginServer* oldest = nullptr;
    for (const Member& member : members_)
      if (member.server->idle() != 0 && (oldest == nullptr || member.server->oldest_idle() < oldest->oldest_idle()))
        oldest = member.server;
    if (oldest == nullptr) return;
    oldest->close_oldest_idle(metrics);
  }
}

bool UpstreamGroup::may_share_another(OriginServer& server, PathMetrics& metrics) {
  if (!shares(*settings_)) return true;  // places count, as for HTTP/1.1
  const std::uint32_t here = settings_->off_ramp.pool.max_connections;
  if (here != 0 && server.shared()->size() >= here) return false;
  const std::uint32_t all = settings_->max_connections;
  if (all == 0) return true;
  const auto open = [this] {
    std::size_t total = 0;
    for (const Member& member : members_)
      if (const SharedConnections* const shared = member.server->shared())
        total += shared->size() + (shared->dialling() ? 1 : 0);
    return total;
  };
  for (const Member& member : members_)
    while (open() >= all && member.server->close_oldest_idle(metrics)) {}
  return open() < all;
}

void UpstreamGroup::sweep(Nanos now, PathMetrics& metrics) {
  if (now >= next_change_) refresh(now);
  for (const Member& member : members_) member.server->sweep(now, metrics);
}

std::size_t UpstreamGroup::idle() const {
  std::size_t total = 0;
  for (const Member& member : members_) total += member.server->idle();
  return total;
}

}  // namespace sluice::worker
