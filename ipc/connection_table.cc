// See connection_table.h: the worker's side.
#include "ipc/connection_table.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "ipc/text.h"

namespace sluice::ipc {
namespace {

// Stores between construction and destruction are read together or not at all.
class Change {
 public:
  explicit Change(ConnectionEntry& entry)
      : sequence_(entry.sequence), even_((sequence_.load(std::memory_order_relaxed) | 1U) + 1U) {
    sequence_.store(even_ - 1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
  }
  Change(Change&&) = delete;
  ~Change() { sequence_.store(even_, std::memory_order_release); }

 private:
  std::atomic<std::uint32_t>& sequence_;
  std::uint32_t even_;
};

constexpr std::uint8_t bit(Work work) {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(work));
}

void store_words(std::span<Cell> cells, std::span<const char> bytes) {
  for (std::size_t i = 0; i * sizeof(std::uint64_t) < bytes.size(); ++i) {
    const auto part = bytes.subspan(i * sizeof(std::uint64_t));
    std::uint64_t word = 0;
    std::memcpy(&word, part.data(), std::min(part.size(), sizeof word));
    cells[i].store(word, std::memory_order_relaxed);
  }
}

void store_client(ConnectionEntry& entry, const SocketAddress& client) {
  using Client = ConnectionEntry::Client;
  constexpr auto kRelaxed = std::memory_order_relaxed;
  if (client.is_unix()) {
    entry.client_kind.store(Client::kUnix, kRelaxed);
    return;
  }
  entry.client_kind.store(client.ip().is_v4() ? Client::kV4 : Client::kV6, kRelaxed);
  entry.port.store(client.port(), kRelaxed);
  const auto bytes = client.ip().bytes();
  store_words(entry.address, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

ConnectionSlot& ConnectionSlot::operator=(ConnectionSlot&& other) noexcept {
  if (this != &other) {
    reset();
    table_ = std::exchange(other.table_, nullptr);
    entry_ = std::exchange(other.entry_, nullptr);
    id_ = other.id_;
    marks_ = std::exchange(other.marks_, 0);
    fate_ = other.fate_;
    state_ = other.state_;
    shares_ = other.shares_;
  }
  return *this;
}

void ConnectionSlot::request(std::string_view target) {
  if (entry_ == nullptr) return;
  const std::string_view shown = cut_at_character(target, ConnectionEntry::kTargetWords * sizeof(std::uint64_t));
  const Change change(*entry_);
  entry_->requests.store(entry_->requests.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  entry_->target_size.store(static_cast<std::uint8_t>(shown.size()), std::memory_order_relaxed);
  store_words(entry_->target, shown);
}

ConnectionSlot::Shown ConnectionSlot::shown() const {
  if (entry_ == nullptr) return {};
  constexpr auto kRelaxed = std::memory_order_relaxed;
  return {.started_unix_ms = entry_->started_unix_ms.load(kRelaxed),
          .requests = entry_->requests.load(kRelaxed),
          .bytes_in = entry_->bytes_in.load(kRelaxed),
          .bytes_out = entry_->bytes_out.load(kRelaxed)};
}

void ConnectionSlot::show(const Shown& shown, std::string_view target) {
  request(target);
  if (entry_ == nullptr) return;
  entry_->requests.store(shown.requests, std::memory_order_relaxed);
  entry_->bytes_in.store(shown.bytes_in, std::memory_order_relaxed);
  entry_->bytes_out.store(shown.bytes_out, std::memory_order_relaxed);
}

void ConnectionSlot::client(const SocketAddress& client) {
  if (entry_ == nullptr) return;
  const Change change(*entry_);
  store_client(*entry_, client);
}

void ConnectionSlot::mark(Work work) {
  if (table_ == nullptr || (marks_ & bit(work)) != 0) return;
  marks_ |= bit(work);
  // counted first: a death between the two shows as unexplained, never as nothing
  add(table_->header_.ledger.at(static_cast<std::size_t>(work)).open, 1);
  show_marks();
  show_marked(work, 1);
}

void ConnectionSlot::show_marks() {
  if (entry_ != nullptr && !shares_) entry_->marks.store(marks_, std::memory_order_relaxed);
}

// Of a slot that shares its entry. `more`: 1, or its complement to take one back.
void ConnectionSlot::show_marked(Work work, std::uint32_t more) {
  if (entry_ == nullptr || !shares_ || (work != Work::kRequest && work != Work::kTunnel)) return;
  std::atomic<std::uint32_t>& count = work == Work::kRequest ? entry_->marked_requests : entry_->marked_tunnels;
  count.store(count.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

void ConnectionSlot::forget_marks() {
  constexpr auto kOneLess = UINT32_MAX;
  for (const Work work : {Work::kRequest, Work::kTunnel})
    if ((marks_ & bit(work)) != 0) show_marked(work, kOneLess);
  marks_ = 0;
  if (entry_ != nullptr && !shares_) entry_->marks.store(0, std::memory_order_relaxed);
}

void ConnectionSlot::ended(Work work) {
  if (table_ == nullptr || (marks_ & bit(work)) == 0) return;
  marks_ &= static_cast<std::uint8_t>(~bit(work));
  show_marks();
  show_marked(work, UINT32_MAX);
  add(table_->header_.ledger.at(static_cast<std::size_t>(work)).ended.at(static_cast<std::size_t>(fate_)), 1);
}

void ConnectionSlot::reset() {
  for (const Work work : {Work::kFlow, Work::kTunnel, Work::kRequest, Work::kConnection}) ended(work);
  if (entry_ != nullptr && !shares_) table_->free(*entry_);
  entry_ = nullptr;
  table_ = nullptr;
}

ConnectionTable::ConnectionTable(Slab& slab) : header_(slab.header()) {
  const std::span<std::byte> bytes = slab.entries();
  entries_ = {std::launder(reinterpret_cast<ConnectionEntry*>(bytes.data())), bytes.size() / sizeof(ConnectionEntry)};
  // the old worker's word for how many it used may be a lie: more than there are is cut, fewer is made good by add(),
  // which writes an entry whole before it can be seen
  const std::size_t left = std::min<std::size_t>(header_.entries_used.load(std::memory_order_relaxed), entries_.size());
  for (ConnectionEntry& entry : entries_.first(left)) {
    const Change change(entry);
    entry.id.store(0, std::memory_order_relaxed);
  }
  header_.entries_used.store(0, std::memory_order_relaxed);
  clear_ledger();
}

void ConnectionTable::clear_ledger() {
  for (LedgerCells& cells : header_.ledger) {
    cells.open.store(0, std::memory_order_relaxed);
    for (Cell& cell : cells.ended) cell.store(0, std::memory_order_relaxed);
  }
}

ConnectionEntry* ConnectionTable::take() {
  if (!free_.empty()) {
    const std::uint32_t index = free_.back();
    free_.pop_back();
    return &entries_[index];
  }
  return used_ < entries_.size() ? &entries_[used_++] : nullptr;
}

ConnectionSlot ConnectionTable::add(const SocketAddress& client, std::uint16_t endpoint_index,
                                    std::int64_t started_unix_ms) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  const std::uint64_t id = std::max<std::uint64_t>(header_.last_connection_id.load(kRelaxed) + 1, 1);
  header_.last_connection_id.store(id, kRelaxed);
  return enter(id, client, endpoint_index, started_unix_ms);
}

void ConnectionTable::start_ids_above(std::uint64_t id) {
  if (header_.last_connection_id.load(std::memory_order_relaxed) < id)
    header_.last_connection_id.store(id, std::memory_order_relaxed);
}

ConnectionSlot ConnectionTable::add_known(std::uint64_t id, const SocketAddress& client, std::uint16_t endpoint_index,
                                          std::int64_t started_unix_ms) {
  return enter(std::max<std::uint64_t>(id, 1), client, endpoint_index, started_unix_ms);
}

ConnectionSlot ConnectionTable::enter(std::uint64_t id, const SocketAddress& client, std::uint16_t endpoint_index,
                                      std::int64_t started_unix_ms) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  ConnectionEntry* const entry = take();
  if (entry == nullptr) {
    ++unlisted_;
    return {this, nullptr, id};
  }
  {
    const Change change(*entry);
    entry->id.store(id, kRelaxed);
    entry->started_unix_ms.store(started_unix_ms, kRelaxed);
    entry->endpoint_index.store(endpoint_index, kRelaxed);
    entry->state.store(ConnectionState::kIdle, kRelaxed);
    entry->requests.store(0, kRelaxed);
    entry->bytes_in.store(0, kRelaxed);
    entry->bytes_out.store(0, kRelaxed);
    entry->target_size.store(0, kRelaxed);
    entry->marks.store(0, kRelaxed);
    entry->marked_requests.store(0, kRelaxed);
    entry->marked_tunnels.store(0, kRelaxed);
    store_client(*entry, client);
  }
  if (header_.entries_used.load(kRelaxed) < used_) header_.entries_used.store(used_, std::memory_order_release);
  return {this, entry, id};
}

void ConnectionTable::free(ConnectionEntry& entry) {
  {
    const Change change(entry);
    entry.id.store(0, std::memory_order_relaxed);
  }
  free_.push_back(static_cast<std::uint32_t>(&entry - entries_.data()));
}

}  // namespace sluice::ipc
