// Sources: what each source of connections and requests has used of its share. A source is an IPv4 address or an IPv6
// network of 64 bits, in which one client can choose addresses as it likes.
//
// Bounded whatever comes: a source with a connection has an entry, and connections have a limit of their own; of the
// others a fixed number is remembered, and the one that was heard of longest ago goes first. Who is forgotten starts
// afresh: a spray from more addresses than that is not a matter for limits per source. The hash has a key, so that
// nobody can choose addresses that collide. No clock of its own: the caller says what time it is.
#pragma once
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/net/address.h"
#include "base/net/cidr.h"
#include "base/time.h"
#include "worker/limits/rate.h"

namespace sluice::worker {

struct SourceLimits {
  std::uint32_t connections = 0;  ///< at a time; 0: no limit
  Rate connection_rate;
  Rate request_rate;
  std::size_t remembered = 16'384;  ///< sources without a connection
  Networks exempt;
};

class Sources {
  struct Entry;
  using Order = std::list<Entry>;

 public:
  explicit Sources(SourceLimits limits);
  Sources(Sources&&) = delete;
  /// Others hold from now on. Connections that came while they were not counted do not count.
  void adopt(SourceLimits limits);

  [[nodiscard]] bool limits_connections() const {
    return limits_.connections != 0 || limits_.connection_rate.limited();
  }
  [[nodiscard]] bool limits_requests() const { return limits_.request_rate.limited(); }

  /// One connection, counted for as long as this lives. An empty one counts nothing.
  class Visit {
   public:
    Visit() = default;
    Visit(Visit&& other) noexcept : sources_(std::exchange(other.sources_, nullptr)), at_(other.at_) {}
    Visit& operator=(Visit&& other) noexcept {
      std::swap(sources_, other.sources_);
      std::swap(at_, other.at_);
      return *this;
    }
    ~Visit() {
      if (sources_ != nullptr) sources_->leave(at_);
    }

   private:
    friend class Sources;
    Visit(Sources& sources, Order::iterator at) : sources_(&sources), at_(at) {}
    Sources* sources_ = nullptr;
    Order::iterator at_;
  };

  enum class Refusal : std::uint8_t { kNone, kConnections, kRate };
  struct Arrival {
    Visit visit;
    Refusal refused = Refusal::kNone;
  };
  /// A connection from there. UNIX sockets and exempt networks are always welcome.
  [[nodiscard]] Arrival arrive(const SocketAddress& from, Nanos now);
  /// A connection from there that another worker has let in: counts, and is not refused.
  [[nodiscard]] Visit admit(const SocketAddress& from);
  /// A request from there: zero when it is within the rate, otherwise when it would be.
  [[nodiscard]] Nanos request(const SocketAddress& from, Nanos now);

  /// Entries, with connections and without.
  [[nodiscard]] std::size_t size() const { return by_key_.size(); }

 private:
  struct Key {
    std::uint64_t network = 0;
    std::uint64_t family = 0;
    bool operator==(const Key&) const = default;
  };
  struct KeyedHash {
    std::uint64_t secret;
    std::size_t operator()(const Key& key) const;
  };
  struct Entry {
    Key key;
    std::uint32_t connections = 0;
    Bucket arrivals;
    Bucket requests;
  };

  [[nodiscard]] bool knows(const SocketAddress& from) const {
    return from.is_ip() && !limits_.exempt.contains(from.ip());
  }
  static Key key_of(const IpAddress& ip);
  Order::iterator find(const SocketAddress& from);
  void leave(Order::iterator at);
  void forget_oldest();

  SourceLimits limits_;
  Order present_;  // with connections
  Order past_;     // without; the one heard of last is in front
  std::unordered_map<Key, Order::iterator, KeyedHash> by_key_;
};

}  // namespace sluice::worker
