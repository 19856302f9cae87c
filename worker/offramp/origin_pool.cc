// See origin_pool.h.
#include "worker/offramp/origin_pool.h"

#include <algorithm>

#include "worker/telemetry/metrics.h"

namespace sluice::worker {
namespace {
// How often idle connections are looked at: a dead one holds a descriptor this long at most.
constexpr Millis kSweep(1000);
}  // namespace

std::unique_ptr<OriginConnection> OriginServer::take(PathMetrics& metrics) {
  while (!idle_.empty()) {
    std::unique_ptr<OriginConnection> connection = std::move(idle_.back());
    idle_.pop_back();
    if (!connection->dead_while_idle()) return connection;
    metrics.origin_closed(upstream_);
  }
  return nullptr;
}

void OriginServer::give_back(std::unique_ptr<OriginConnection> connection, Nanos now, PathMetrics& metrics) {
  if (idle_.size() >= settings_.pool.max_idle || !connection->settle_to_idle()) {
    metrics.origin_closed(upstream_);
    return;
  }
  connection->idle_since = now;
  idle_.push_back(std::move(connection));
}

void OriginServer::sweep(Nanos now, PathMetrics& metrics) {
  const Nanos limit = settings_.pool.idle_timeout;
  const std::size_t before = idle_.size();
  std::erase_if(idle_, [&](const std::unique_ptr<OriginConnection>& connection) {
    return connection->dead_while_idle() || now - connection->idle_since >= limit;
  });
  for (std::size_t i = idle_.size(); i < before; ++i) metrics.origin_closed(upstream_);
}

OriginServer& OriginPool::add(std::string host, std::uint16_t port, UpstreamIndex upstream,
                              const ipc::OffRampSettings& settings) {
  return *configured_.emplace_back(std::make_unique<OriginServer>(std::move(host), port, upstream, settings));
}

std::shared_ptr<OriginServer> OriginPool::forward(std::string_view host, std::uint16_t port,
                                                  const ipc::OffRampSettings& settings) {
  key_.assign(host);
  for (char& c : key_) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  key_ += ':';
  key_ += std::to_string(port);
  if (const auto found = forward_.find(key_); found != forward_.end()) return found->second;
  auto server = std::make_shared<OriginServer>(key_.substr(0, host.size()), port, kNoUpstream, settings);
  if (forward_.size() < kMostForwardServers) forward_.emplace(key_, server);
  return server;
}

Task<> OriginPool::run() {
  for (;;) {
    co_await loop_.sleep(kSweep);
    for (const auto& server : configured_) server->sweep(loop_.now(), metrics_);
    for (auto& [key, server] : forward_) server->sweep(loop_.now(), metrics_);
    std::erase_if(forward_,
                  [](const auto& entry) { return entry.second->idle() == 0 && entry.second.use_count() == 1; });
  }
}

std::size_t OriginPool::idle() const {
  std::size_t total = 0;
  for (const auto& server : configured_) total += server->idle();
  for (const auto& [key, server] : forward_) total += server->idle();
  return total;
}

}  // namespace sluice::worker
