// See fd.h.
#include "base/fd.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace sluice {

void Fd::reset() {
  // close(2) on Linux releases the number even when it reports EINTR, so it is never repeated
  if (number_ >= 0) ::close(std::exchange(number_, -1));
}

Result<Fd> Fd::duplicate() const {
  const int copy = ::fcntl(number_, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) return fail_errno(errno, "fcntl(F_DUPFD_CLOEXEC)");
  return Fd(copy);
}

}  // namespace sluice
