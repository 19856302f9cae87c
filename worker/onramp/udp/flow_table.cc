// See flow_table.h.
#include "worker/onramp/udp/flow_table.h"

#include <cstring>

#include "base/check.h"
#include "base/keyed_hash.h"

namespace sluice::worker {
namespace {

constexpr std::size_t kFirstBuckets = 64;

}  // namespace

FlowTable::FlowTable(std::uint32_t limit) : limit_(limit), secret_(random_secret()), buckets_(kFirstBuckets, kNone) {}

std::uint64_t FlowTable::hash(const DatagramKey& key) const {
  std::array<std::uint64_t, 5> words{};
  std::memcpy(words.data(), &key, sizeof key);
  std::uint64_t sum = secret_;
  for (const std::uint64_t word : words) sum = fold(sum ^ word, kHashOdd ^ secret_);
  return sum;
}

std::uint32_t& FlowTable::bucket_of(const DatagramKey& key) {
  return buckets_[hash(key) & (buckets_.size() - 1)];
}

Flow* FlowTable::find(const DatagramKey& key) {
  for (std::uint32_t at = bucket_of(key); at != kNone; at = flows_[at].next_in_bucket)
    if (flows_[at].key == key) return &flows_[at];
  return nullptr;
}

Flow* FlowTable::add(const DatagramKey& key, Nanos now) {
  if (used_ == limit_) return nullptr;
  if (used_ >= buckets_.size()) grow_buckets();
  std::uint32_t place = 0;
  if (free_.empty()) {
    place = static_cast<std::uint32_t>(flows_.size());
    flows_.emplace_back();
  } else {
    place = free_.back();
    free_.pop_back();
  }
  Flow& flow = flows_[place];
  flow.key = key;
  flow.last_seen = now;
  std::uint32_t& bucket = bucket_of(key);
  flow.next_in_bucket = bucket;
  bucket = place;
  link_newest(place);
  ++used_;
  return &flow;
}

void FlowTable::touch(Flow& flow, Nanos now) {
  flow.last_seen = now;
  const std::uint32_t place = place_of(flow);
  if (newest_ == place) return;
  unlink(place);
  link_newest(place);
}

void FlowTable::remove(Flow& flow) {
  const std::uint32_t place = place_of(flow);
  std::uint32_t* link = &bucket_of(flow.key);
  while (*link != place) {
    SLUICE_CHECK(*link != kNone, "a flow that is not in its bucket");
    link = &flows_[*link].next_in_bucket;
  }
  *link = flow.next_in_bucket;
  unlink(place);
  flow = Flow();
  free_.push_back(place);
  --used_;
}

void FlowTable::remove_if(const std::function<bool(Flow&)>& ends) {
  for (std::uint32_t at = oldest_; at != kNone;) {
    Flow& flow = flows_[at];
    at = flow.newer;
    if (ends(flow)) remove(flow);
  }
}

void FlowTable::each(const std::function<void(Flow&)>& see) {
  for (std::uint32_t at = oldest_; at != kNone; at = flows_[at].newer) see(flows_[at]);
}

void FlowTable::link_newest(std::uint32_t place) {
  Flow& flow = flows_[place];
  flow.newer = kNone;
  flow.older = newest_;
  (newest_ == kNone ? oldest_ : flows_[newest_].newer) = place;
  newest_ = place;
}

void FlowTable::unlink(std::uint32_t place) {
  const Flow& flow = flows_[place];
  (flow.older == kNone ? oldest_ : flows_[flow.older].newer) = flow.newer;
  (flow.newer == kNone ? newest_ : flows_[flow.newer].older) = flow.older;
}

void FlowTable::grow_buckets() {
  buckets_.assign(buckets_.size() * 2, kNone);
  for (std::uint32_t at = oldest_; at != kNone; at = flows_[at].newer) {
    std::uint32_t& bucket = bucket_of(flows_[at].key);
    flows_[at].next_in_bucket = bucket;
    bucket = at;
  }
}

}  // namespace sluice::worker
