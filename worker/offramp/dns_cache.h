// DnsCache: what names resolved to, for as long as their servers said, within bounds. No I/O and no clock of its own:
// the caller says what time it is. The resolver (resolver.h) owns the one of a worker.
//
// The idea: a bounded map with a list of use: the least recently used name goes first. Times to live are clamped
// between a minimum (a zone with TTL 0 need not cost a query per request) and a maximum (a mistake must not last a
// week). "No such name" is an answer too and is kept as one (RFC 2308). Memory is bounded by names × kMaxAddresses.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/net/address.h"
#include "base/time.h"

namespace sluice::worker {

struct DnsCacheLimits {
  std::size_t names = 10'000;   ///< 0 turns the cache off
  Millis min_ttl{0};            ///< a positive answer lives at least this long
  Millis max_ttl{3'600'000};    ///< … and at most this long; 0: none is kept
  Millis negative_ttl{10'000};  ///< a negative one at most this long; 0: none is kept
};

/// One address of a name and until when its server vouches for it (after clamping).
struct ResolvedAddress {
  IpAddress ip;
  Deadline expires;

  auto operator<=>(const ResolvedAddress&) const = default;
};

class DnsCache {
 public:
  struct Entry {
    /// In the order in which to connect. Empty: a negative answer, `reason` says which.
    std::vector<ResolvedAddress> addresses;
    std::string reason;
    Deadline expires;
  };

  explicit DnsCache(DnsCacheLimits limits) : limits_(limits) {}
  DnsCache(DnsCache&&) = delete;

  /// The entry of a name (lower case, no closing dot) that has not expired, or null. Lifetime: until the next put().
  [[nodiscard]] const Entry* find(std::string_view name, Nanos now);

  /// Keeps a positive answer until the first of its addresses expires. Replaces what was there.
  void put(std::string_view name, std::vector<ResolvedAddress> addresses, Nanos now);
  /// Keeps a negative answer for `ttl`, clamped. `reason` is given to those who ask.
  void put_negative(std::string_view name, std::string reason, std::chrono::seconds ttl, Nanos now);

  /// When an address that was learned now with this TTL expires.
  [[nodiscard]] Deadline expiry(std::chrono::seconds ttl, Nanos now) const;

  [[nodiscard]] std::size_t size() const { return by_name_.size(); }
  [[nodiscard]] std::uint64_t hits() const { return hits_; }
  [[nodiscard]] std::uint64_t misses() const { return misses_; }
  /// Names that had to go because of the limit, not because of their age.
  [[nodiscard]] std::uint64_t evictions() const { return evictions_; }

 private:
  struct Named {
    std::string name;
    Entry entry;
  };
  using Order = std::list<Named>;

  void store(std::string_view name, Entry entry);
  void erase(Order::iterator named);

  DnsCacheLimits limits_;
  Order order_;                                                    // most recently used first
  std::unordered_map<std::string_view, Order::iterator> by_name_;  // keys point into order_, whose nodes stay put
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;
  std::uint64_t evictions_ = 0;
};

}  // namespace sluice::worker
