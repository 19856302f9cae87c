// See server_table.h.
#include "ipc/server_table.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "ipc/text.h"

namespace sluice::ipc {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
// A writer needs less than a microsecond; a row that is still changing after so many looks is hostile or dead.
constexpr int kLooks = 64;
constexpr unsigned kHalf = 32;

// Copies as much of the text as there is room for; returns how much that is.
std::uint64_t store_text(std::span<Cell> cells, std::string_view text) {
  const std::string_view shown = cut_at_character(text, cells.size_bytes());
  for (std::size_t i = 0; i * sizeof(std::uint64_t) < shown.size(); ++i) {
    const std::string_view part = shown.substr(i * sizeof(std::uint64_t), sizeof(std::uint64_t));
    std::uint64_t word = 0;
    std::memcpy(&word, part.data(), part.size());
    cells[i].store(word, kRelaxed);
  }
  return shown.size();
}

std::string load_text(std::span<const std::uint64_t> words, std::uint64_t size) {
  std::string bytes(words.size_bytes(), '\0');
  std::memcpy(bytes.data(), words.data(), bytes.size());
  bytes.resize(std::min<std::uint64_t>(size, bytes.size()));
  return printable(bytes);
}

struct Copy {
  std::uint64_t sizes = 0;
  std::array<std::uint64_t, ServerEntry::kNumbers> numbers{};
  std::array<std::uint64_t, ServerEntry::kUpstreamWords> upstream{};
  std::array<std::uint64_t, ServerEntry::kServerWords> server{};
};

template <std::size_t kSize>
void load(const std::array<Cell, kSize>& from, std::array<std::uint64_t, kSize>& to) {
  for (std::size_t i = 0; i < kSize; ++i) to[i] = from[i].load(kRelaxed);
}

// One look: false when a change was under way.
bool look(const ServerEntry& entry, Copy& copy) {
  const std::uint64_t before = entry.sequence.load(std::memory_order_acquire);
  if ((before & 1U) != 0) return false;
  copy.sizes = entry.sizes.load(kRelaxed);
  load(entry.numbers, copy.numbers);
  load(entry.upstream, copy.upstream);
  load(entry.server, copy.server);
  std::atomic_thread_fence(std::memory_order_acquire);
  return entry.sequence.load(kRelaxed) == before;
}

ServerRow row_of(const Copy& copy) {
  const auto& n = copy.numbers;
  return {.upstream = load_text(copy.upstream, copy.sizes & UINT32_MAX),
          .server = load_text(copy.server, copy.sizes >> kHalf),
          .flags = n[0],
          .weight = n[1],
          .in_flight = n[2],
          .idle = n[3],
          .queue = n[4],
          .requests = n[5],
          .failures = n[6],
          .ejections = n[7],
          .last_error = n[8],
          .last_error_unix_ms = static_cast<std::int64_t>(n[9])};
}

}  // namespace

ServerTable::ServerTable(Slab& slab) : header_(slab.header()) {
  const std::span<std::byte> bytes = slab.servers();
  entries_ = {std::launder(reinterpret_cast<ServerEntry*>(bytes.data())), bytes.size() / sizeof(ServerEntry)};
  header_.servers_used.store(0, std::memory_order_release);
}

void ServerTable::write(std::size_t index, const ServerRow& row) {
  if (index >= entries_.size()) return;
  ServerEntry& entry = entries_[index];
  const std::uint64_t even = (entry.sequence.load(kRelaxed) | 1U) + 1U;
  entry.sequence.store(even - 1, kRelaxed);
  std::atomic_thread_fence(std::memory_order_release);
  const std::array<std::uint64_t, ServerEntry::kNumbers> numbers = {
      row.flags,    row.weight,   row.in_flight, row.idle,       row.queue,
      row.requests, row.failures, row.ejections, row.last_error, static_cast<std::uint64_t>(row.last_error_unix_ms)};
  for (std::size_t i = 0; i < numbers.size(); ++i) entry.numbers[i].store(numbers[i], kRelaxed);
  const std::uint64_t upstream_size = store_text(entry.upstream, row.upstream);
  const std::uint64_t server_size = store_text(entry.server, row.server);
  entry.sizes.store(upstream_size | server_size << kHalf, kRelaxed);
  entry.sequence.store(even, std::memory_order_release);
  if (header_.servers_used.load(kRelaxed) <= index) header_.servers_used.store(index + 1, std::memory_order_release);
}

void ServerTable::end_at(std::size_t count) {
  if (count < header_.servers_used.load(kRelaxed)) header_.servers_used.store(count, std::memory_order_release);
}

std::vector<ServerRow> read_servers(const SlabView& slab) {
  const std::span<const std::byte> bytes = slab.servers();
  const std::uint64_t used = slab.header().servers_used.load(std::memory_order_acquire);
  const std::size_t count = std::min<std::uint64_t>(used, bytes.size() / sizeof(ServerEntry));
  const std::span entries(std::launder(reinterpret_cast<const ServerEntry*>(bytes.data())), count);
  std::vector<ServerRow> rows;
  for (const ServerEntry& entry : entries) {
    Copy copy;
    int looks = 0;
    while (looks < kLooks && !look(entry, copy)) ++looks;
    if (looks < kLooks) rows.push_back(row_of(copy));
  }
  return rows;
}

}  // namespace sluice::ipc
