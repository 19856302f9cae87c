// Slab: the shared memory of one worker slot. Its worker writes metrics and live connections into it; the supervisor
// and the admin worker read them. The supervisor makes it, so it outlives the worker: counters go on over a crash.
//
//   | header, 4 KiB | metric values, u64 each | metric records | servers, 256 bytes each | connections, 128 bytes each
//   |
//
// Sizes are constants; the number of entries follows from the size of the memfd, which is sealed: a reader needs
// nothing that the worker wrote to know where to look. All a reader sees is hostile: a worker that was taken over may
// write anything at any time, so readers copy first, check the copy, and stay within bounds.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "ipc/mapping.h"

namespace sluice::ipc {

/// A cell of the slab: one writer, any readers, no locked instruction on the way.
using Cell = std::atomic<std::uint64_t>;
static_assert(sizeof(Cell) == 8 && Cell::is_always_lock_free);

/// What can be open at the switch to another generation, and what can become of it; the reckoning is kept here, so that
/// a crash cannot falsify it (ipc/connection_table.h).
enum class Work : std::uint8_t {
  kConnection,  ///< every client connection, whatever it does
  kRequest,     ///< of these: a request that had begun
  kTunnel,      ///< of these: bytes both ways
  kFlow,        ///< a flow of datagrams, which is no connection
};
inline constexpr std::size_t kWorks = 4;
enum class Fate : std::uint8_t {
  kFinished,    ///< ended by itself: done, or the client or the origin ended it
  kHandedOver,  ///< goes on in the other generation
  kRetry,       ///< told in a safe way to try again
  kCut,         ///< its budget was spent
};
inline constexpr std::size_t kFates = 4;

struct LedgerCells {
  Cell open;  ///< at the switch
  std::array<Cell, kFates> ended;
};

/// The first bytes of a slab; the rest of the first page is unused.
struct SlabHeader {
  Cell magic;
  Cell version;
  Cell incarnations;        ///< workers that have used the slab
  Cell values_used;         ///< metric values handed out
  Cell records_used;        ///< bytes of metric records written
  Cell entries_used;        ///< connection entries that have ever been used
  Cell last_connection_id;  ///< ids go on over a crash
  Cell servers_used;        ///< rows of servers that have been written
  std::array<LedgerCells, kWorks> ledger;
};

/// Connections a slab can be made for.
inline constexpr std::uint32_t kMaxSlabConnections = 1U << 20U;
inline constexpr std::size_t kMetricValues = 8192;
inline constexpr std::size_t kMetricRecordBytes = std::size_t{256} * 1024;
inline constexpr std::size_t kServerEntries = 4096;
inline constexpr std::size_t kServerEntryBytes = 256;
inline constexpr std::size_t kConnectionEntryBytes = 128;

/// A new slab: a memfd that cannot grow or shrink, all zero but the header. Pages that nobody writes take no memory.
[[nodiscard]] Result<Fd> make_slab(const std::string& name, std::uint32_t connections);
/// A descriptor of the same memory that cannot be used to write: what the admin worker gets. Needs /proc, so only the
/// supervisor can make one.
[[nodiscard]] Result<Fd> read_only(const Fd& slab);

/// The parts of a slab for its writer.
class Slab {
 public:
  /// Maps the slab for writing and counts one incarnation. `fd` is borrowed. Errors: kProtocol when it is not a slab of
  /// this version, and those of Mapping::map.
  [[nodiscard]] static Result<Slab> attach(int fd);

  [[nodiscard]] SlabHeader& header();
  [[nodiscard]] std::span<Cell> values();
  [[nodiscard]] std::span<std::byte> records();
  [[nodiscard]] std::span<std::byte> servers();
  [[nodiscard]] std::span<std::byte> entries();

 private:
  explicit Slab(Mapping mapping) : mapping_(std::move(mapping)) {}
  Mapping mapping_;
};

/// The parts of a slab for a reader, over bytes that somebody else keeps mapped.
class SlabView {
 public:
  /// Errors: kProtocol when the bytes are not a slab of this version, or its worker has damaged the header: the
  /// supervisor gives the next worker a new one.
  [[nodiscard]] static Result<SlabView> of(std::span<const std::byte> bytes);

  [[nodiscard]] const SlabHeader& header() const;
  [[nodiscard]] std::span<const Cell> values() const;
  [[nodiscard]] std::span<const std::byte> records() const;
  [[nodiscard]] std::span<const std::byte> servers() const;
  [[nodiscard]] std::span<const std::byte> entries() const;

 private:
  explicit SlabView(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes_;
};

/// A slab mapped read-only.
class SlabReader {
 public:
  /// `fd` is borrowed. Errors: those of Mapping::map.
  [[nodiscard]] static Result<SlabReader> open(int fd);
  /// Looked at anew each time, because the worker may damage the header at any time. Lifetime: as long as this object.
  [[nodiscard]] Result<SlabView> view() const { return SlabView::of(mapping_.bytes()); }

 private:
  explicit SlabReader(Mapping mapping) : mapping_(std::move(mapping)) {}
  Mapping mapping_;
};

}  // namespace sluice::ipc
