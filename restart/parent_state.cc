// See parent_state.h.
#include "restart/parent_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>

#include "ipc/mapping.h"
#include "ipc/memfd.h"

namespace sluice::restart {
namespace {

constexpr std::size_t kHead = 4;

}  // namespace

Result<Fd> make_parent_state() {
  Result<Fd> file = ipc::make_memfd("parent-state");
  if (!file) return file;
  if (::ftruncate(file->get(), static_cast<off_t>(kHead + kMostParentState)) != 0)
    return fail_errno(errno, "ftruncate");
  if (::fcntl(file->get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) != 0)
    return fail_errno(errno, "fcntl(F_ADD_SEALS)");
  return file;
}

// By mapping it: a worker's RLIMIT_FSIZE is 0, and write(2) obeys that. The mapping is gone before anybody seals.
Result<> write_parent_state(const Fd& file, std::string_view bytes) {
  if (bytes.size() > kMostParentState) return fail(Code::kTooLarge, "more than 1 MiB");
  Result<ipc::Mapping> mapping =
      ipc::Mapping::map(file.get(), ipc::Mapping::Access::kWrite, F_SEAL_GROW, kHead + kMostParentState);
  if (!mapping) return fail(std::move(mapping).error());
  const std::span<std::byte> room = mapping->writable();
  if (room.size() < kHead + bytes.size()) return fail(Code::kTooLarge, "more than there is room for");
  for (std::size_t i = 0; i < kHead; ++i) room[i] = static_cast<std::byte>((bytes.size() >> (8 * i)) & 0xffU);
  std::ranges::copy(std::as_bytes(std::span(bytes)), room.begin() + kHead);
  return {};
}

Result<> seal_parent_state(const Fd& file) {
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL) != 0) return fail_errno(errno, "fcntl(F_ADD_SEALS)");
  return {};
}

Result<std::string> read_parent_state(const Fd& file) {
  const Result<ipc::SealedBytes> sealed = ipc::SealedBytes::open(file.get(), kHead + kMostParentState);
  if (!sealed) return fail(sealed.error());
  const std::string_view all = sealed->view();
  std::size_t size = 0;
  for (std::size_t i = 0; i < kHead && i < all.size(); ++i)
    size |= std::size_t{static_cast<unsigned char>(all[i])} << (8 * i);
  if (all.size() < kHead || size > all.size() - kHead) return fail(Code::kBadSyntax, "a parent state that is none");
  return std::string(all.substr(kHead, size));
}

}  // namespace sluice::restart
