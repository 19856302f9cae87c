// The servers of a worker's upstreams, in its slab: how the worker sees each of them, for `sluicectl upstreams`.
//
// A row per configured server, in the order of the configuration, written anew now and then (not per request) under a
// sequence number, so that a reader never shows half of a row. Upstream groups have no rows of their own: what belongs
// to the group stands in each of its servers' rows. Readers believe nothing (ipc/slab.h).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ipc/slab.h"

namespace sluice::ipc {

/// One server at one moment; what is written and what is read.
struct ServerRow {
  enum Flag : std::uint64_t {
    kActive = 1,    ///< the configuration wants it used
    kServing = 2,   ///< gets new requests
    kEjected = 4,   ///< by failing requests
    kDown = 8,      ///< by failing probes
    kWarming = 16,  ///< back, without its whole share
    kPanic = 32,    ///< the group: health is not believed
    kCircuit = 64,  ///< the group: the circuit is open or on trial
  };

  std::string upstream;
  std::string server;  ///< "host:port", as far as there is room for it
  std::uint64_t flags = 0;
  std::uint64_t weight = 0;
  std::uint64_t in_flight = 0;
  std::uint64_t idle = 0;
  std::uint64_t queue = 0;  ///< of the group
  std::uint64_t requests = 0;
  std::uint64_t failures = 0;
  std::uint64_t ejections = 0;
  std::uint64_t last_error = 0;  ///< 0: none; otherwise the number of a Code, plus one
  std::int64_t last_error_unix_ms = 0;

  [[nodiscard]] bool is(Flag flag) const { return (flags & flag) != 0; }
};

/// A row as it lies in the slab.
struct ServerEntry {
  static constexpr std::size_t kNumbers = 10;
  static constexpr std::size_t kUpstreamWords = 8;
  static constexpr std::size_t kServerWords = 12;
  Cell sequence;  // odd: being changed
  Cell sizes;     // of the two texts, the server's in the upper half
  std::array<Cell, kNumbers> numbers;
  std::array<Cell, kUpstreamWords> upstream;
  std::array<Cell, kServerWords> server;
};
static_assert(sizeof(ServerEntry) == kServerEntryBytes);

/// The worker's side. Lifetime: the slab outlives it.
class ServerTable {
 public:
  /// Forgets what an earlier incarnation wrote.
  explicit ServerTable(Slab& slab);
  ServerTable(ServerTable&&) = delete;

  /// Rows that have no room are not shown.
  void write(std::size_t index, const ServerRow& row);
  /// Rows from this one on are shown no longer.
  void end_at(std::size_t count);

 private:
  SlabHeader& header_;
  std::span<ServerEntry> entries_;
};

/// All rows that can be read whole, texts printable.
[[nodiscard]] std::vector<ServerRow> read_servers(const SlabView& slab);

}  // namespace sluice::ipc
