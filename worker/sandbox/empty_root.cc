// The empty root. pivot_root and not chroot: a chroot can be left again by whoever keeps a directory or gains
// CAP_SYS_CHROOT, while after pivot_root and a lazy unmount the old tree is not reachable from this namespace at all.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "worker/sandbox/layers.h"

namespace sluice::worker {
namespace {
Protection off(const char* step) {
  const int error = errno;
  return {.name = "empty root",
          .on = false,
          .why = std::string(step) + ": " + std::strerror(error)};  // NOLINT(concurrency-mt-unsafe): one thread
}

// Any directory will do to mount over; not every container has all of them.
const char* mount_empty() {
  for (const char* point : {"/tmp", "/dev", "/proc", "/run"})
    if (::mount("none", point, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,nr_inodes=1,mode=0555") == 0)
      return point;
  return nullptr;
}
}  // namespace

Protection empty_root() {
  // A namespace of our own even if the supervisor could not give us one: what follows must never touch the host's
  // mounts.
  if (::unshare(CLONE_NEWNS) != 0) return off("needs a user namespace of its own: unshare");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return off("making mounts private");
  const char* point = mount_empty();
  if (point == nullptr) return off("mounting tmpfs");
  if (::chdir(point) != 0) return off("chdir");
  if (::syscall(SYS_pivot_root, ".", ".") != 0) return off("pivot_root");
  // both roots are now at "/", the old one on top
  if (::umount2(".", MNT_DETACH) != 0) return off("unmounting the old root");
  if (::chdir("/") != 0) return off("chdir");
  constexpr unsigned long kReadOnly = MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (::mount(nullptr, "/", nullptr, kReadOnly, nullptr) != 0) return off("remounting read-only");
  return {.name = "empty root", .on = true, .why = {}};
}

}  // namespace sluice::worker
