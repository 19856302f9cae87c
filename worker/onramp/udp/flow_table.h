// FlowTable: the flows of datagrams of one endpoint, found by their addresses, forgotten when they fall silent.
//
// Bounded and without allocation per datagram: entries lie in one vector that grows up to its limit and are chained by
// their places in it, in buckets and in the order in which they were last heard of. The hash has a key, so that nobody
// can choose addresses that collide. An entry either is a flow of ours or says who has it (`owner`, relay.h). No clock
// of its own: the caller says what time it is.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/time.h"
#include "ipc/connection_table.h"
#include "worker/limits/sources.h"

namespace sluice::worker {

/// What makes a flow: IPv4 addresses stand in IPv6 clothes (::ffff:a.b.c.d). Goes over the wire between workers.
struct DatagramKey {
  using Bytes = std::array<std::uint8_t, IpAddress::kV6Bytes>;
  Bytes source{};
  Bytes local{};
  std::uint16_t source_port = 0;
  std::uint16_t local_port = 0;
  std::uint32_t scope = 0;  ///< interface of a link-local source
  bool operator==(const DatagramKey&) const = default;
};
static_assert(sizeof(DatagramKey) == 40);

/// Who has a flow: 0 is this worker, others are numbered by the Relay.
using FlowOwner = std::uint32_t;
inline constexpr FlowOwner kOurs = 0;

struct Flow {
  DatagramKey key;
  FlowOwner owner = kOurs;
  std::uint32_t socket = 0;  ///< the supervisor's number of the one that it comes by
  Nanos last_seen{0};
  ipc::ConnectionSlot slot;  ///< of ours
  Sources::Visit visit;      ///< of ours

 private:
  friend class FlowTable;
  std::uint32_t next_in_bucket = 0;
  std::uint32_t older = 0;
  std::uint32_t newer = 0;
};

class FlowTable {
 public:
  explicit FlowTable(std::uint32_t limit);
  FlowTable(FlowTable&&) = delete;

  /// Null when it is not there. Lifetime of the pointer: until the next add() or remove().
  [[nodiscard]] Flow* find(const DatagramKey& key);
  /// A new one, heard of now; null when there are too many. The key must not be there.
  [[nodiscard]] Flow* add(const DatagramKey& key, Nanos now);
  /// It was heard of now.
  void touch(Flow& flow, Nanos now);
  void remove(Flow& flow);

  /// The one that was silent longest; null when there is none.
  [[nodiscard]] Flow* oldest() { return oldest_ == kNone ? nullptr : &flows_[oldest_]; }
  /// Removes those for which `ends` says so.
  void remove_if(const std::function<bool(Flow&)>& ends);
  void each(const std::function<void(Flow&)>& see);

  [[nodiscard]] std::size_t size() const { return used_; }
  /// A number that only this process can know beforehand.
  [[nodiscard]] std::uint64_t hash(const DatagramKey& key) const;

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  [[nodiscard]] std::uint32_t& bucket_of(const DatagramKey& key);
  [[nodiscard]] std::uint32_t place_of(const Flow& flow) const {
    return static_cast<std::uint32_t>(&flow - flows_.data());
  }
  void link_newest(std::uint32_t place);
  void unlink(std::uint32_t place);
  void grow_buckets();

  std::uint32_t limit_;
  std::uint64_t secret_;
  std::vector<Flow> flows_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> buckets_;  // a power of two
  std::size_t used_ = 0;
  std::uint32_t oldest_ = kNone;
  std::uint32_t newest_ = kNone;
};

}  // namespace sluice::worker
