// See mapping.h.
#include "ipc/mapping.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

namespace sluice::ipc {

Result<Mapping> Mapping::map(int fd, Access access, int seals, std::size_t most) {
  const int wanted = seals | F_SEAL_SHRINK;
  const int present = ::fcntl(fd, F_GET_SEALS);
  if (present < 0 || (present & wanted) != wanted)
    return fail(Code::kForbidden, "shared memory that could change its size or, where it must not, its content");
  struct stat facts{};
  if (::fstat(fd, &facts) != 0) return fail_errno(errno, "fstat");
  const auto size = static_cast<std::size_t>(facts.st_size);
  if (size > most) return fail(Code::kTooLarge, fmt::format("shared memory of {} bytes, at most {}", size, most));
  if (size == 0) return Mapping();
  const int protection = access == Access::kWrite ? PROT_READ | PROT_WRITE : PROT_READ;
  void* const start = ::mmap(nullptr, size, protection, MAP_SHARED, fd, 0);
  if (start == MAP_FAILED) return fail_errno(errno, "mmap");
  return Mapping({static_cast<std::byte*>(start), size});
}

Mapping::~Mapping() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

}  // namespace sluice::ipc
