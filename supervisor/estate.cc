// See estate.h.
#include "supervisor/estate.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "base/error.h"
#include "base/sys.h"

namespace sluice::supervisor {
namespace {

// A worker gets its slab before any connection, so it has a low number; an admin process has every slab.
constexpr int kFirst = 4;
constexpr int kMostOfWorker = 64;
constexpr int kMostOfHolder = 8192;

using Wanted = std::map<std::uint64_t, restart::SavedSlab*>;  // by inode

// Not the orphan's own opening: that of the admin process is only for reading.
Fd reopen(const Fd& copy) {
  return Fd(::open(fmt::format("/proc/self/fd/{}", copy.get()).c_str(), O_RDWR | O_CLOEXEC));
}

// Ours may be the last descriptor by now, and its close must not wait for anything.
void hurry(const Fd& socket) {
  const linger at_once{.l_onoff = 0, .l_linger = 0};
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

// False when the process does not let us look.
bool look_into(const Orphan& orphan, int most, Wanted& wanted) {
  for (int number = kFirst; number < most && !wanted.empty(); ++number) {
    const Fd copy(static_cast<int>(::syscall(SYS_pidfd_getfd, orphan.process.get(), number, 0)));
    if (!copy && errno == EBADF) continue;
    if (!copy) return errno == ESRCH;
    struct stat facts{};
    if (::fstat(copy.get(), &facts) != 0) continue;
    if (S_ISSOCK(facts.st_mode)) hurry(copy);
    const auto found = S_ISREG(facts.st_mode) ? wanted.find(facts.st_ino) : wanted.end();
    if (found == wanted.end()) continue;
    Fd ours = reopen(copy);
    if (!ours) continue;
    found->second->fd = ours.release();
    wanted.erase(found);
  }
  return true;
}

}  // namespace

Estate collect(restart::SavedEstate stored, const restart::SavedEstate& left, std::span<const Orphan> orphans) {
  Estate estate{.last_generation = std::max(stored.last_generation, left.last_generation)};
  std::vector<restart::SavedSlab> all = std::move(stored.slabs);
  for (restart::SavedSlab slab : left.slabs) {
    if (std::ranges::find(all, slab.inode, &restart::SavedSlab::inode) != all.end()) continue;
    slab.fd = restart::kNoFd;
    all.push_back(std::move(slab));
  }
  Wanted wanted;
  for (restart::SavedSlab& slab : all)
    if (slab.fd == restart::kNoFd) wanted[slab.inode] = &slab;
  for (std::size_t i = 0; i < orphans.size() && !wanted.empty(); ++i)
    if (!look_into(orphans[i], i < left.holders ? kMostOfHolder : kMostOfWorker, wanted))
      estate.why = Error::from_errno(errno, "pidfd_getfd").message();
  estate.missing = wanted.size();
  for (restart::SavedSlab& slab : all) {
    if (slab.fd == restart::kNoFd) continue;
    if (slab.tenant == kOwnSlab) {
      estate.own_slab = Fd(slab.fd);
    } else {
      estate.slabs.push_back(std::move(slab));
    }
  }
  return estate;
}

}  // namespace sluice::supervisor
