// See shared_connections.h.
#include "worker/offramp/shared_connections.h"

#include <algorithm>

#include "worker/telemetry/metrics.h"

namespace sluice::worker {
namespace {

bool used_up(Http2Origin& origin, const ipc::PoolSettings& pool, Nanos now) {
  const OriginConnection& connection = origin.connection();
  return (pool.requests_per_connection != 0 && connection.requests >= pool.requests_per_connection) ||
         (pool.max_age != Millis(0) && now - connection.made >= pool.max_age);
}

}  // namespace

Http2Place::Http2Place(SharedConnections& owner, Http2Origin& origin) : owner_(&owner), origin_(&origin) {
  origin.join();
}

Http2Place::~Http2Place() {
  if (origin_ != nullptr) owner_->given_back(*origin_);
}

Http2Place SharedConnections::take(const ipc::PoolSettings& pool, Nanos now) {
  for (const std::unique_ptr<Http2Origin>& origin : origins_) {
    if (!origin->has_room()) continue;
    if (used_up(*origin, pool, now)) {
      origin->retire();
      continue;
    }
    return {*this, *origin};
  }
  return {};
}

Http2Place SharedConnections::add(std::unique_ptr<Http2Origin> origin, PathMetrics& metrics) {
  metrics_ = &metrics;
  origin->tell(line_);
  origins_.push_back(std::move(origin));
  return {*this, *origins_.back()};
}

void SharedConnections::remove(std::size_t index) {
  const std::unique_ptr<Http2Origin> gone = std::move(origins_[index]);
  origins_.erase(origins_.begin() + static_cast<std::ptrdiff_t>(index));
  metrics_->origin_closed(upstream_);
}

void SharedConnections::given_back(Http2Origin& origin) {
  origin.leave();
  if (origin.users() == 0 && origin.retired()) {
    const auto at = std::ranges::find(origins_, &origin, &std::unique_ptr<Http2Origin>::get);
    remove(static_cast<std::size_t>(at - origins_.begin()));
  }
  line_.call();
}

std::size_t SharedConnections::idle() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(origins_, [](const auto& origin) { return origin->users() == 0; }));
}

void SharedConnections::sweep(const ipc::PoolSettings& pool, Nanos now) {
  for (std::size_t i = origins_.size(); i-- != 0;) {
    Http2Origin& origin = *origins_[i];
    if (used_up(origin, pool, now)) origin.retire();
    if (origin.users() == 0 && (origin.retired() || now - origin.idle_since >= pool.idle_timeout)) remove(i);
  }
}

void SharedConnections::retire() {
  for (const std::unique_ptr<Http2Origin>& origin : origins_) origin->retire();
  while (close_one_idle()) {}
}

bool SharedConnections::close_one_idle() {
  const auto at = std::ranges::find_if(origins_, [](const auto& origin) { return origin->users() == 0; });
  if (at == origins_.end()) return false;
  remove(static_cast<std::size_t>(at - origins_.begin()));
  return true;
}

}  // namespace sluice::worker
