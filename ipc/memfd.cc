// See memfd.h.
#include "ipc/memfd.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

#include "base/sys.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // Linux 6.3; Debian 12's headers are older
#endif

namespace sluice::ipc {
namespace {
constexpr int kAllSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
}

Result<Fd> make_memfd(const std::string& name) {
  constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  Fd fd(::memfd_create(name.c_str(), kFlags | MFD_NOEXEC_SEAL));
  if (!fd && errno == EINVAL) fd = Fd(::memfd_create(name.c_str(), kFlags));
  if (!fd) return fail_errno(errno, "memfd_create");
  return fd;
}

Result<Fd> seal_bytes(const std::string& name, std::string_view bytes) {
  Result<Fd> fd = make_memfd(name);
  while (fd && !bytes.empty()) {
    const sys::Io io = sys::write(fd->get(), bytes);
    if (!io.done()) return fail_errno(io.error, "write");
    bytes.remove_prefix(io.bytes);
  }
  if (fd && ::fcntl(fd->get(), F_ADD_SEALS, kAllSeals) != 0) return fail_errno(errno, "fcntl(F_ADD_SEALS)");
  return fd;
}

Result<SealedBytes> SealedBytes::open(int fd, std::size_t most) {
  Result<Mapping> mapping = Mapping::map(fd, Mapping::Access::kRead, kAllSeals, most);
  if (!mapping) return fail(std::move(mapping).error().during("opening a sealed memfd"));
  return SealedBytes(std::move(*mapping));
}

std::string_view SealedBytes::view() const {
  const auto bytes = mapping_.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace sluice::ipc
