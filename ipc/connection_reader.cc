// See connection_table.h: the reader's side.
#include <algorithm>
#include <cstring>
#include <new>

#include "base/check.h"
#include "ipc/connection_table.h"
#include "ipc/text.h"

namespace sluice::ipc {
namespace {

// A writer needs nanoseconds for a change; an entry that is still changing after this many looks is hostile or dead.
constexpr int kLooks = 64;

struct Copy {
  std::uint8_t client_kind = 0;
  std::uint8_t target_size = 0;
  std::uint16_t port = 0;
  std::array<std::uint64_t, 2> address{};
  std::array<std::uint64_t, ConnectionEntry::kTargetWords> target{};
};

// Enumerations are read as the numbers they are: a hostile one may have no name.
template <class E>
std::uint8_t number(const std::atomic<E>& value) {
  return static_cast<std::uint8_t>(value.load(std::memory_order_relaxed));
}

ConnectionState state_of(std::uint8_t value) {
  constexpr auto kLast = static_cast<std::uint8_t>(ConnectionState::kFlow);
  return value <= kLast ? static_cast<ConnectionState>(value) : ConnectionState::kClosing;
}

std::string client_text(const Copy& copy) {
  switch (static_cast<ConnectionEntry::Client>(copy.client_kind)) {
    case ConnectionEntry::Client::kV4: {
      std::array<std::uint8_t, IpAddress::kV4Bytes> bytes{};
      std::memcpy(bytes.data(), copy.address.data(), bytes.size());
      return SocketAddress(IpAddress(bytes), copy.port).text();
    }
    case ConnectionEntry::Client::kV6: {
      std::array<std::uint8_t, IpAddress::kV6Bytes> bytes{};
      std::memcpy(bytes.data(), copy.address.data(), bytes.size());
      return SocketAddress(IpAddress(bytes), copy.port).text();
    }
    case ConnectionEntry::Client::kUnix:
      return "unix:";
  }
  return "?";  // the worker wrote nonsense
}

// One look: false when a change was under way.
bool look(const ConnectionEntry& entry, ConnectionRecord& record, Copy& copy) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  const std::uint32_t before = entry.sequence.load(std::memory_order_acquire);
  if ((before & 1U) != 0) return false;
  record.id = entry.id.load(kRelaxed);
  record.endpoint_index = entry.endpoint_index.load(kRelaxed);
  record.marks = entry.marks.load(kRelaxed);
  record.started_unix_ms = entry.started_unix_ms.load(kRelaxed);
  record.state = state_of(number(entry.state));
  record.bytes_in = entry.bytes_in.load(kRelaxed);
  record.bytes_out = entry.bytes_out.load(kRelaxed);
  record.requests = entry.requests.load(kRelaxed);
  record.marked_requests = entry.marked_requests.load(kRelaxed);
  record.marked_tunnels = entry.marked_tunnels.load(kRelaxed);
  copy.port = entry.port.load(kRelaxed);
  copy.client_kind = number(entry.client_kind);
  copy.target_size = entry.target_size.load(kRelaxed);
  for (std::size_t i = 0; i < copy.address.size(); ++i) copy.address[i] = entry.address[i].load(kRelaxed);
  for (std::size_t i = 0; i < copy.target.size(); ++i) copy.target[i] = entry.target[i].load(kRelaxed);
  std::atomic_thread_fence(std::memory_order_acquire);
  return entry.sequence.load(kRelaxed) == before;
}

std::optional<ConnectionRecord> read_entry(const ConnectionEntry& entry) {
  if (entry.id.load(std::memory_order_relaxed) == 0) return std::nullopt;
  ConnectionRecord record;
  Copy copy;
  int looks = 0;
  while (looks < kLooks && !look(entry, record, copy)) ++looks;
  if (looks == kLooks || record.id == 0) return std::nullopt;
  record.client = client_text(copy);
  std::array<char, sizeof copy.target> target{};
  std::memcpy(target.data(), copy.target.data(), target.size());
  record.target = printable({target.data(), std::min<std::size_t>(copy.target_size, target.size())});
  return record;
}

}  // namespace

std::string_view name(ConnectionState state) {
  switch (state) {
    case ConnectionState::kIdle:
      return "idle";
    case ConnectionState::kReading:
      return "reading";
    case ConnectionState::kDialing:
      return "dialing";
    case ConnectionState::kWaiting:
      return "waiting";
    case ConnectionState::kRelaying:
      return "relaying";
    case ConnectionState::kTunnel:
      return "tunnel";
    case ConnectionState::kClosing:
      return "closing";
    case ConnectionState::kQueued:
      return "queued";
    case ConnectionState::kFlow:
      return "flow";
  }
  SLUICE_CHECK(false, "no such state");
}

ConnectionReader::ConnectionReader(const SlabView& slab) {
  const std::span<const std::byte> bytes = slab.entries();
  const std::uint64_t used = slab.header().entries_used.load(std::memory_order_acquire);
  const std::size_t count = std::min<std::uint64_t>(used, bytes.size() / sizeof(ConnectionEntry));
  entries_ = {std::launder(reinterpret_cast<const ConnectionEntry*>(bytes.data())), count};
}

std::optional<ConnectionRecord> ConnectionReader::next() {
  while (!entries_.empty()) {
    const ConnectionEntry& entry = entries_.front();
    entries_ = entries_.subspan(1);
    if (std::optional<ConnectionRecord> record = read_entry(entry)) return record;
  }
  return std::nullopt;
}

}  // namespace sluice::ipc
