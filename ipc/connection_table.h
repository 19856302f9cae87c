// The live connections of a worker, in its slab: the worker writes one entry per client connection, the supervisor
// reads them for `sluicectl connections` and, after a crash, to say which connections died.
//
// An entry is two cache lines: the first has all that an idle connection needs, the second the target of the request.
// Entries are used densely, last freed first. Setters are plain stores; what must be read together (identity, target)
// is bracketed by a sequence number, odd while it changes, so a reader never shows half of one connection and half of
// another. Readers believe nothing (ipc/slab.h).
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/net/address.h"
#include "ipc/slab.h"

namespace sluice::ipc {

enum class ConnectionState : std::uint8_t {
  kIdle,      ///< between requests
  kReading,   ///< the client's request, or its handshake
  kDialing,   ///< resolving and connecting to the origin
  kWaiting,   ///< for the origin's answer
  kRelaying,  ///< a response goes to the client
  kTunnel,    ///< bytes both ways
  kClosing,   ///< the last bytes leave
  kQueued,    ///< in its upstream's line, until a limit lets it through
  kFlow,      ///< datagrams, one after the other
};
[[nodiscard]] std::string_view name(ConnectionState state);

/// One entry as it lies in the slab. All of it is atomic, because two processes look at it.
struct ConnectionEntry {
  static constexpr std::size_t kTargetWords = 7;
  enum class Client : std::uint8_t { kV4, kV6, kUnix };

  std::atomic<std::uint32_t> sequence;  // odd: being changed
  std::atomic<std::uint32_t> requests;
  Cell id;  // 0: free
  std::atomic<std::int64_t> started_unix_ms;
  Cell bytes_in;   // from the client
  Cell bytes_out;  // to the client
  std::atomic<std::uint16_t> port;
  std::atomic<std::uint16_t> endpoint_index;
  std::atomic<ConnectionState> state;
  std::atomic<Client> client_kind;
  std::atomic<std::uint8_t> target_size;
  std::atomic<std::uint8_t> marks;  // bit by Work: was open at the switch and has not ended
  std::array<Cell, 2> address;
  std::array<Cell, kTargetWords> target;
  // of a connection that carries many at a time: how many were open at the switch and have not ended
  std::atomic<std::uint32_t> marked_requests;
  std::atomic<std::uint32_t> marked_tunnels;
};
static_assert(sizeof(ConnectionEntry) == kConnectionEntryBytes);
static_assert(offsetof(ConnectionEntry, target) == 64, "an idle connection touches one cache line");

class ConnectionTable;

/// The worker's hold on one entry; freed by the destructor. A default-made or moved-from slot counts nowhere.
class ConnectionSlot {
 public:
  ConnectionSlot() = default;
  ConnectionSlot(ConnectionSlot&& other) noexcept
      : table_(std::exchange(other.table_, nullptr)),
        entry_(std::exchange(other.entry_, nullptr)),
        id_(other.id_),
        marks_(std::exchange(other.marks_, 0)),
        fate_(other.fate_),
        state_(other.state_),
        shares_(other.shares_) {}
  ConnectionSlot& operator=(ConnectionSlot&& other) noexcept;
  ~ConnectionSlot() { reset(); }

  /// For one of many requests on this connection: shows in the same entry, is marked and counted on its own. Lifetime:
  /// ends before this slot does.
  [[nodiscard]] ConnectionSlot share() const {
    ConnectionSlot slot(table_, entry_, id_);
    slot.shares_ = true;
    return slot;
  }

  /// Unique among the connections of a worker slot, also over crashes; never 0 for a slot from add().
  [[nodiscard]] std::uint64_t id() const { return id_; }
  void state(ConnectionState state) {
    state_ = state;
    if (entry_ != nullptr) entry_->state.store(state, std::memory_order_relaxed);
  }
  [[nodiscard]] ConnectionState state() const { return state_; }
  /// Who the client really is, learned after the accept.
  void client(const SocketAddress& client);
  void add_in(std::uint64_t bytes) {
    if (entry_ != nullptr) add(entry_->bytes_in, bytes);
  }
  void add_out(std::uint64_t bytes) {
    if (entry_ != nullptr) add(entry_->bytes_out, bytes);
  }
  /// A request (or a tunnel) begins: counts it and shows the first 56 bytes of its target.
  void request(std::string_view target);
  void reset();
  /// What the entry says, for another worker that takes the connection over, and what that one makes of it.
  struct Shown {
    std::int64_t started_unix_ms = 0;
    std::uint32_t requests = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
  };
  [[nodiscard]] Shown shown() const;
  void show(const Shown& shown, std::string_view target);

  /// This is open at the switch.
  void mark(Work work);
  /// The switch did not happen.
  void forget_marks();
  /// It has ended, with the fate of the connection; nothing when it was not marked.
  void ended(Work work);
  /// What becomes of all that is marked and still open; kFinished unless said.
  void set_fate(Fate fate) { fate_ = fate; }
  [[nodiscard]] Fate fate() const { return fate_; }

 private:
  friend class ConnectionTable;
  ConnectionSlot(ConnectionTable* table, ConnectionEntry* entry, std::uint64_t id)
      : table_(table), entry_(entry), id_(id) {}
  void show_marks();
  void show_marked(Work work, std::uint32_t more);
  static void add(Cell& cell, std::uint64_t n) {
    cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }

  ConnectionTable* table_ = nullptr;
  ConnectionEntry* entry_ = nullptr;  // null also when the table was full
  std::uint64_t id_ = 0;
  std::uint8_t marks_ = 0;
  Fate fate_ = Fate::kFinished;
  ConnectionState state_ = ConnectionState::kIdle;
  bool shares_ = false;  // the entry is another slot's
};

/// The worker's side. Lifetime: outlives its slots; `slab` outlives it.
class ConnectionTable {
 public:
  /// Clears what a crashed worker left, its reckoning too; the supervisor has read it by then.
  explicit ConnectionTable(Slab& slab);
  ConnectionTable(ConnectionTable&&) = delete;

  /// Never fails: a connection that finds no free entry is served all the same and counted by unlisted().
  [[nodiscard]] ConnectionSlot add(const SocketAddress& client, std::uint16_t endpoint_index,
                                   std::int64_t started_unix_ms);
  /// For a connection of another worker, which keeps its id.
  [[nodiscard]] ConnectionSlot add_known(std::uint64_t id, const SocketAddress& client, std::uint16_t endpoint_index,
                                         std::int64_t started_unix_ms);
  /// Ids of connections to come are above this.
  void start_ids_above(std::uint64_t id);
  /// Before the first mark of a switch, and when one did not happen: the reckoning starts from nothing.
  void clear_ledger();
  /// Open connections that have an entry.
  [[nodiscard]] std::size_t size() const { return used_ - free_.size(); }
  /// Connections that had to go without one.
  [[nodiscard]] std::uint64_t unlisted() const { return unlisted_; }

 private:
  friend class ConnectionSlot;
  void free(ConnectionEntry& entry);
  [[nodiscard]] ConnectionSlot enter(std::uint64_t id, const SocketAddress& client, std::uint16_t endpoint_index,
                                     std::int64_t started_unix_ms);
  [[nodiscard]] ConnectionEntry* take();

  SlabHeader& header_;
  std::span<ConnectionEntry> entries_;
  std::vector<std::uint32_t> free_;
  std::size_t used_ = 0;  // entries that have ever been used by this incarnation
  std::uint64_t unlisted_ = 0;
};

/// A connection as a reader sees it, all of one moment, texts printable.
struct ConnectionRecord {
  std::uint64_t id = 0;
  std::string client;  ///< "192.0.2.1:4711", "[2001:db8::1]:4711", "unix:"
  std::uint16_t endpoint_index = 0;
  std::int64_t started_unix_ms = 0;
  ConnectionState state = ConnectionState::kIdle;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint32_t requests = 0;
  std::string target;
  std::uint8_t marks = 0;
  std::uint32_t marked_requests = 0;
  std::uint32_t marked_tunnels = 0;
  [[nodiscard]] bool marked(Work work) const { return ((marks >> static_cast<unsigned>(work)) & 1U) != 0; }
  /// How many of that kind were open at the switch and have not ended.
  [[nodiscard]] std::uint32_t open(Work work) const {
    return (marked(work) ? 1 : 0) + (work == Work::kRequest  ? marked_requests
                                     : work == Work::kTunnel ? marked_tunnels
                                                             : 0);
  }
};

/// Walks the table; entries that come and go meanwhile are shown or not, but never torn.
class ConnectionReader {
 public:
  /// Lifetime: the slab stays mapped.
  explicit ConnectionReader(const SlabView& slab);
  /// The next live connection; nullopt at the end.
  [[nodiscard]] std::optional<ConnectionRecord> next();

 private:
  std::span<const ConnectionEntry> entries_;
};

}  // namespace sluice::ipc
