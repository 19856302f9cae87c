#include "supervisor/estate.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "ipc/slab.h"

namespace sluice::supervisor {
namespace {

std::uint64_t inode_of(int fd) {
  struct stat facts{};
  return ::fstat(fd, &facts) == 0 ? facts.st_ino : 0;
}

// A process that lives on with our descriptors, as a worker does.
class Holder {
 public:
  Holder() : pid_(::fork()) {
    while (pid_ == 0) ::pause();
  }
  Holder(Holder&&) = delete;
  ~Holder() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] Orphan orphan() const {
    return {.pid = pid_, .process = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)))};
  }

 private:
  pid_t pid_;
};

restart::SavedEstate naming(std::uint64_t inode, const std::string& tenant) {
  return {.last_generation = 3,
          .holders = 0,
          .slabs = {{.tenant = tenant, .worker = 1, .number = 2, .connections = 8, .inode = inode}}};
}

TEST(Estate, FindsMemoryByItsInodeAndByNothingElse) {
  Fd slab = *ipc::make_slab("acme/1.2", 8);
  slab = Fd(::fcntl(slab.get(), F_DUPFD_CLOEXEC, 10));  // where a worker may have it
  const std::uint64_t inode = inode_of(slab.get());
  const Fd other = *ipc::make_slab("acme/1.2", 8);
  const Holder holder;
  slab.reset();
  std::vector<Orphan> orphans;
  orphans.push_back(holder.orphan());
  const Estate found = collect({}, naming(inode, "acme"), orphans);
  ASSERT_EQ(found.slabs.size(), 1U) << found.why;
  const Fd ours(found.slabs.front().fd);
  EXPECT_EQ(inode_of(ours.get()), inode);
  EXPECT_TRUE(ipc::Slab::attach(ours.get())) << "for writing too";
  EXPECT_EQ(found.last_generation, 3U);
  EXPECT_EQ(found.missing, 0U);
}

TEST(Estate, SaysWhatNobodyHas) {
  const Fd other = *ipc::make_slab("acme/1.2", 8);
  const Holder holder;
  std::vector<Orphan> orphans;
  orphans.push_back(holder.orphan());
  const Estate found = collect({}, naming(inode_of(other.get()) + 1'000'000, "acme"), orphans);
  EXPECT_TRUE(found.slabs.empty());
  EXPECT_EQ(found.missing, 1U);
}

TEST(Estate, TakesTheSupervisorsOwnApart) {
  Fd slab = *ipc::make_slab("supervisor", 1);
  restart::SavedEstate stored = naming(inode_of(slab.get()), "");
  stored.slabs.front().fd = slab.release();
  const Estate found = collect(std::move(stored), {}, {});
  EXPECT_TRUE(found.own_slab);
  EXPECT_TRUE(found.slabs.empty());
}

TEST(Estate, LeavesAProcessThatHasEnded) {
  std::vector<Orphan> orphans;
  {
    const Holder holder;
    orphans.push_back(holder.orphan());
  }
  const Estate found = collect({}, naming(1, "acme"), orphans);
  EXPECT_EQ(found.missing, 1U);
  EXPECT_EQ(found.why, "");
}

}  // namespace
}  // namespace sluice::supervisor
