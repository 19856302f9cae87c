// See origin_pool.h.
#include "worker/offramp/origin_pool.h"

#include <algorithm>

namespace sluice::worker {
namespace {
// How often idle connections are looked at: a dead one holds a descriptor this long at most.
constexpr Millis kSweep(1000);
}  // namespace

UpstreamGroup& OriginPool::add(const ipc::UpstreamSettings& settings) {
  const auto index = static_cast<UpstreamIndex>(configured_.size());
  return *configured_.emplace_back(std::make_unique<UpstreamGroup>(settings, index));
}

std::shared_ptr<UpstreamGroup> OriginPool::forward(std::string_view host, std::uint16_t port) {
  key_.assign(host);
  for (char& c : key_) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  key_ += ':';
  key_ += std::to_string(port);
  if (const auto found = forward_.find(key_); found != forward_.end()) return found->second;
  auto origin = std::make_shared<UpstreamGroup>(forward_settings_, key_.substr(0, host.size()), port);
  if (forward_.size() < kMostForwardOrigins) forward_.emplace(key_, origin);
  return origin;
}

Task<> OriginPool::run() {
  for (;;) {
    co_await loop_.sleep(kSweep);
    for (const auto& group : configured_) group->sweep(loop_.now(), metrics_);
    for (auto& [key, origin] : forward_) origin->sweep(loop_.now(), metrics_);
    std::erase_if(forward_,
                  [](const auto& entry) { return entry.second->idle() == 0 && entry.second.use_count() == 1; });
  }
}

std::size_t OriginPool::idle() const {
  std::size_t total = 0;
  for (const auto& group : configured_) total += group->idle();
  for (const auto& [key, origin] : forward_) total += origin->idle();
  return total;
}

}  // namespace sluice::worker
