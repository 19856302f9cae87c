// See origin_server.h.
#include "worker/offramp/origin_server.h"

#include <algorithm>

#include "worker/telemetry/metrics.h"

namespace sluice::worker {

bool OriginServer::fit(OriginConnection& connection, Nanos now) const {
  if (connection.dead_while_idle() || connection.made <= not_before_) return false;
  if (now - connection.idle_since >= std::min<Nanos>(settings_->pool.idle_timeout, connection.idle_limit)) return false;
  const Nanos max_age = settings_->pool.max_age;
  return max_age == Nanos(0) || now - connection.made < max_age;
}

std::unique_ptr<OriginConnection> OriginServer::take(Nanos now, IfDead if_dead, PathMetrics& metrics) {
  while (!idle_.empty()) {
    std::unique_ptr<OriginConnection> connection = std::move(idle_.back());
    idle_.pop_back();
    if (fit(*connection, now) && (if_dead == IfDead::kTryAgain || connection->quiet())) return connection;
    metrics.origin_closed(upstream_);
  }
  return nullptr;
}

void OriginServer::give_back(std::unique_ptr<OriginConnection> connection, Nanos now, PathMetrics& metrics) {
  const ipc::PoolSettings& pool = settings_->pool;
  const bool used_up = (pool.requests_per_connection != 0 && connection->requests >= pool.requests_per_connection) ||
                       (pool.max_age != Millis(0) && now - connection->made >= pool.max_age) ||
                       connection->idle_limit == Nanos(0) || connection->made <= not_before_;
  if (used_up || idle_.size() >= pool.max_idle || !connection->settle_to_idle()) {
    metrics.origin_closed(upstream_);
    return;
  }
  connection->idle_since = now;
  idle_.push_back(std::move(connection));
}

void OriginServer::sweep(Nanos now, PathMetrics& metrics) {
  const std::size_t before = idle_.size();
  std::erase_if(idle_, [&](const std::unique_ptr<OriginConnection>& connection) { return !fit(*connection, now); });
  for (std::size_t i = idle_.size(); i < before; ++i) metrics.origin_closed(upstream_);
  if (shared_ != nullptr) shared_->sweep(settings_->pool, now);
}

bool OriginServer::close_oldest_idle(PathMetrics& metrics) {
  if (idle_.empty()) return shared_ != nullptr && shared_->close_one_idle();
  idle_.erase(idle_.begin());
  metrics.origin_closed(upstream_);
  return true;
}

void OriginServer::close_idle(PathMetrics& metrics) {
  while (close_oldest_idle(metrics)) {}
}

void OriginServer::adopt(const ipc::OffRampSettings& settings, PathMetrics& metrics) {
  settings_ = &settings;
  while (idle_.size() > settings.pool.max_idle) close_oldest_idle(metrics);
}

void OriginServer::secure(std::shared_ptr<const TlsClient> tls, Nanos now, PathMetrics& metrics) {
  if (tls == tls_) return;
  tls_ = std::move(tls);
  sessions_ = tls_ == nullptr ? nullptr : std::make_shared<TlsSessions>();
  renew(now, metrics);
}

void OriginServer::renew(Nanos since, PathMetrics& metrics) {
  not_before_ = since;
  close_idle(metrics);
  if (shared_ != nullptr) shared_->retire();
}

void OriginServer::speak(const ipc::UpstreamHttpSettings& http) {
  http_ = &http;
  http2_ = http.speaks(ipc::HttpVersion::kHttp2);
  if (http2_ && shared_ == nullptr) shared_ = std::make_unique<SharedConnections>(upstream_);
}

}  // namespace sluice::worker
