// See sources.h.
#include "worker/limits/sources.h"

#include "base/keyed_hash.h"

namespace sluice::worker {
std::size_t Sources::KeyedHash::operator()(const Key& key) const {
  return fold(fold(key.network ^ secret, kHashOdd) ^ key.family, secret | 1U);
}

Sources::Sources(SourceLimits limits) : limits_(std::move(limits)), by_key_(0, KeyedHash{random_secret()}) {}

void Sources::adopt(SourceLimits limits) {
  limits_ = std::move(limits);
  forget_oldest();
}

Sources::Key Sources::key_of(const IpAddress& ip) {
  const IpAddress plain = ip.unmapped();
  std::uint64_t network = 0;
  constexpr std::size_t kNetworkBytes = 8;
  const auto bytes = plain.bytes();
  for (std::size_t i = 0; i < std::min(bytes.size(), kNetworkBytes); ++i) network = network << 8U | bytes[i];
  return {.network = network, .family = plain.is_v4() ? 4U : 6U};
}

// The entry of a source, made when there is none; moved to the front of those without connections.
Sources::Order::iterator Sources::find(const SocketAddress& from) {
  const Key key = key_of(from.ip());
  if (const auto found = by_key_.find(key); found != by_key_.end()) {
    const Order::iterator at = found->second;
    if (at->connections == 0) past_.splice(past_.begin(), past_, at);
    return at;
  }
  past_.push_front({.key = key});
  by_key_.emplace(key, past_.begin());
  forget_oldest();
  return past_.begin();
}

void Sources::forget_oldest() {
  while (past_.size() > limits_.remembered) {
    by_key_.erase(past_.back().key);
    past_.pop_back();
  }
}

Sources::Arrival Sources::arrive(const SocketAddress& from, Nanos now) {
  if (!limits_connections() || !knows(from)) return {};
  const Order::iterator at = find(from);
  if (limits_.connections != 0 && at->connections >= limits_.connections)
    return {.visit = {}, .refused = Refusal::kConnections};
  if (limits_.connection_rate.limited() && at->arrivals.take(limits_.connection_rate, now) != Nanos(0))
    return {.visit = {}, .refused = Refusal::kRate};
  if (at->connections++ == 0) present_.splice(present_.begin(), past_, at);
  return {.visit = Visit(*this, at), .refused = Refusal::kNone};
}

Sources::Visit Sources::admit(const SocketAddress& from) {
  if (!limits_connections() || !knows(from)) return {};
  const Order::iterator at = find(from);
  if (at->connections++ == 0) present_.splice(present_.begin(), past_, at);
  return {*this, at};
}

void Sources::leave(Order::iterator at) {
  if (--at->connections != 0) return;
  past_.splice(past_.begin(), present_, at);
  forget_oldest();
}

Nanos Sources::request(const SocketAddress& from, Nanos now) {
  if (!limits_requests() || !knows(from)) return Nanos(0);
  return find(from)->requests.take(limits_.request_rate, now);
}

}  // namespace sluice::worker
