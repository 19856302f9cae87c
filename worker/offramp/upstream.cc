// See upstream.h: places and connections. upstream_health.cc has who is well.
#include "worker/offramp/upstream.h"

#include <algorithm>

#include "base/check.h"
#include "base/net/address.h"

namespace sluice::worker {
namespace {

// On HTTP/1.1 a request is a busy connection: the smaller limit counts.
std::uint32_t most_places(const ipc::UpstreamSettings& settings) {
  if (settings.max_requests == 0) return settings.max_connections;
  if (settings.max_connections == 0) return settings.max_requests;
  return std::min(settings.max_requests, settings.max_connections);
}

}  // namespace

UpstreamGroup::UpstreamGroup(const ipc::UpstreamSettings& settings, UpstreamIndex index)
    : settings_(settings), index_(index), most_places_(most_places(settings)), budget_(settings.retry) {
  for (const std::string& server : settings.servers) {
    const Result<HostPort> place = HostPort::parse(server);
    SLUICE_CHECK(place.has_value(), "a server that the configuration's checks let through does not parse");
    const auto options = settings.server_options.find(server);
    add(place->host, place->port, options == settings.server_options.end() ? ipc::ServerSettings() : options->second);
  }
  balancer_.emplace(settings.balance, members_);
  if (settings.circuit.enabled) circuit_.emplace(settings.circuit);
  settle(Nanos(0));
}

UpstreamGroup::UpstreamGroup(const ipc::UpstreamSettings& settings, std::string host, std::uint16_t port)
    : settings_(settings), index_(kNoUpstream), most_places_(most_places(settings)), budget_(settings.retry) {
  add(std::move(host), port, {});
  balancer_.emplace(ipc::Balance::kRoundRobin, members_);
  settle(Nanos(0));
}

void UpstreamGroup::add(std::string host, std::uint16_t port, const ipc::ServerSettings& options) {
  servers_.push_back(std::make_unique<OriginServer>(std::move(host), port, index_, settings_.off_ramp));
  members_.push_back({.server = servers_.back().get(),
                      .base_weight = options.weight,
                      .weight = options.weight * Member::kFullShare,
                      .limit = settings_.off_ramp.pool.max_connections,
                      .active = options.state == ipc::ServerState::kActive});
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
  line_.call();
}

void UpstreamGroup::make_room(PathMetrics& metrics) {
  const std::uint32_t most = settings_.max_connections;
  while (most != 0 && places_ + idle() > most) {
    OriginServer* oldest = nullptr;
    for (const Member& member : members_)
      if (member.server->idle() != 0 && (oldest == nullptr || member.server->oldest_idle() < oldest->oldest_idle()))
        oldest = member.server;
    if (oldest == nullptr) return;
    oldest->close_oldest_idle(metrics);
  }
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
