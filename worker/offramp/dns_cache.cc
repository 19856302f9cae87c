// See dns_cache.h.
#include "worker/offramp/dns_cache.h"

#include <algorithm>
#include <utility>

namespace sluice::worker {

const DnsCache::Entry* DnsCache::find(std::string_view name, Nanos now) {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) {
    ++misses_;
    return nullptr;
  }
  const Order::iterator named = found->second;
  if (named->entry.expires.since_boot() <= now) {
    erase(named);
    ++misses_;
    return nullptr;
  }
  order_.splice(order_.begin(), order_, named);
  ++hits_;
  return &named->entry;
}

void DnsCache::put(std::string_view name, std::vector<ResolvedAddress> addresses, Nanos now) {
  if (addresses.empty()) return;
  const Deadline first = std::ranges::min(addresses, {}, &ResolvedAddress::expires).expires;
  if (first.since_boot() <= now) return;
  store(name, {.addresses = std::move(addresses), .reason = {}, .expires = first});
}

void DnsCache::put_negative(std::string_view name, std::string reason, std::chrono::seconds ttl, Nanos now) {
  const Millis kept = std::min(Millis(ttl), limits_.negative_ttl);
  if (kept.count() <= 0) return;
  store(name, {.addresses = {}, .reason = std::move(reason), .expires = Deadline(now + kept)});
}

Deadline DnsCache::expiry(std::chrono::seconds ttl, Nanos now) const {
  return Deadline(now + std::max(limits_.min_ttl, std::min(Millis(ttl), limits_.max_ttl)));
}

void DnsCache::store(std::string_view name, Entry entry) {
  if (limits_.names == 0) return;
  if (const auto found = by_name_.find(name); found != by_name_.end()) {
    found->second->entry = std::move(entry);
    order_.splice(order_.begin(), order_, found->second);
    return;
  }
  while (by_name_.size() >= limits_.names) {
    erase(std::prev(order_.end()));
    ++evictions_;
  }
  order_.push_front({.name = std::string(name), .entry = std::move(entry)});
  by_name_.emplace(order_.front().name, order_.begin());
}

void DnsCache::erase(Order::iterator named) {
  by_name_.erase(named->name);
  order_.erase(named);
}

}  // namespace sluice::worker
