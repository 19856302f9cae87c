// See slab.h.
#include "ipc/slab.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "ipc/memfd.h"
#include "ipc/messages.h"

namespace sluice::ipc {
namespace {

constexpr std::uint64_t kMagic = 0x31'62'61'6C'73'6C'73'73;
constexpr std::size_t kHeaderBytes = 4096;
constexpr std::size_t kValuesAt = kHeaderBytes;
constexpr std::size_t kRecordsAt = kValuesAt + (kMetricValues * sizeof(Cell));
constexpr std::size_t kServersAt = kRecordsAt + kMetricRecordBytes;
constexpr std::size_t kEntriesAt = kServersAt + (kServerEntries * kServerEntryBytes);
static_assert(sizeof(SlabHeader) <= kHeaderBytes && kEntriesAt % kConnectionEntryBytes == 0);

constexpr std::size_t size_for(std::uint32_t connections) {
  return kEntriesAt + (std::size_t{connections} * kConnectionEntryBytes);
}

const SlabHeader& header_of(std::span<const std::byte> bytes) {
  return *std::launder(reinterpret_cast<const SlabHeader*>(bytes.data()));
}

Result<> check(std::span<const std::byte> bytes) {
  const bool placed = reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(Cell) == 0;
  if (!placed || bytes.size() < kEntriesAt || (bytes.size() - kEntriesAt) % kConnectionEntryBytes != 0)
    return fail(Code::kProtocol, "shared memory that is not a slab by its size");
  const SlabHeader& header = header_of(bytes);
  if (header.magic.load(std::memory_order_relaxed) != kMagic ||
      header.version.load(std::memory_order_relaxed) != kProtocolVersion)
    return fail(Code::kProtocol, "shared memory that is not a slab of this version, or whose header was damaged");
  return {};
}

}  // namespace

Result<Fd> make_slab(const std::string& name, std::uint32_t connections) {
  if (connections > kMaxSlabConnections)
    return fail(Code::kTooLarge,
                fmt::format("a slab for {} connections, at most {}", connections, kMaxSlabConnections));
  Result<Fd> fd = make_memfd(name);
  if (!fd) return fd;
  const std::size_t size = size_for(connections);
  if (::ftruncate(fd->get(), static_cast<off_t>(size)) != 0) return fail_errno(errno, "ftruncate");
  if (::fcntl(fd->get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return fail_errno(errno, "fcntl(F_ADD_SEALS)");
  Result<Mapping> mapping = Mapping::map(fd->get(), Mapping::Access::kWrite, F_SEAL_GROW, size);
  if (!mapping) return fail(std::move(mapping).error());
  auto& header = *std::construct_at(reinterpret_cast<SlabHeader*>(mapping->writable().data()));
  header.version.store(kProtocolVersion, std::memory_order_relaxed);
  header.magic.store(kMagic, std::memory_order_release);
  return fd;
}

Result<Fd> read_only(const Fd& slab) {
  Fd fd(::open(fmt::format("/proc/self/fd/{}", slab.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno(errno, "opening a slab read-only");
  return fd;
}

Result<Slab> Slab::attach(int fd) {
  Result<Mapping> mapping = Mapping::map(fd, Mapping::Access::kWrite, F_SEAL_GROW, size_for(kMaxSlabConnections));
  if (!mapping) return fail(std::move(mapping).error().during("mapping the slab"));
  if (Result<> right = check(mapping->bytes()); !right) return fail(std::move(right).error());
  Slab slab(std::move(*mapping));
  Cell& incarnations = slab.header().incarnations;
  incarnations.store(incarnations.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  return slab;
}

SlabHeader& Slab::header() {
  return *std::launder(reinterpret_cast<SlabHeader*>(mapping_.writable().data()));
}
std::span<Cell> Slab::values() {
  return {std::launder(reinterpret_cast<Cell*>(mapping_.writable().data() + kValuesAt)), kMetricValues};
}
std::span<std::byte> Slab::records() {
  return mapping_.writable().subspan(kRecordsAt, kMetricRecordBytes);
}
std::span<std::byte> Slab::servers() {
  return mapping_.writable().subspan(kServersAt, kServerEntries * kServerEntryBytes);
}
std::span<std::byte> Slab::entries() {
  return mapping_.writable().subspan(kEntriesAt);
}

Result<SlabView> SlabView::of(std::span<const std::byte> bytes) {
  if (Result<> right = check(bytes); !right) return fail(std::move(right).error());
  return SlabView(bytes);
}

const SlabHeader& SlabView::header() const {
  return header_of(bytes_);
}
std::span<const Cell> SlabView::values() const {
  return {std::launder(reinterpret_cast<const Cell*>(bytes_.data() + kValuesAt)), kMetricValues};
}
std::span<const std::byte> SlabView::records() const {
  return bytes_.subspan(kRecordsAt, kMetricRecordBytes);
}
std::span<const std::byte> SlabView::servers() const {
  return bytes_.subspan(kServersAt, kServerEntries * kServerEntryBytes);
}
std::span<const std::byte> SlabView::entries() const {
  return bytes_.subspan(kEntriesAt);
}

Result<SlabReader> SlabReader::open(int fd) {
  Result<Mapping> mapping = Mapping::map(fd, Mapping::Access::kRead, F_SEAL_GROW, size_for(kMaxSlabConnections));
  if (!mapping) return fail(std::move(mapping).error().during("mapping a slab"));
  return SlabReader(std::move(*mapping));
}

}  // namespace sluice::ipc
