// What the service manager is told, and what is made of what it gives back.
#include "supervisor/fd_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>

#include "supervisor/notify.h"

namespace sluice::supervisor {
namespace {
using testing::ElementsAre;

std::uint64_t inode_of(int fd) {
  struct stat facts{};
  return ::fstat(fd, &facts) == 0 ? facts.st_ino : 0;
}

class FdStoreTest : public testing::Test {
 protected:
  FdStoreTest() {
    const std::string name = "@sluice-fd-store-test-" + std::to_string(::getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(name, address.sun_path);
    address.sun_path[0] = '\0';
    (void)::bind(manager_.get(), reinterpret_cast<const sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size()));
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~FdStoreTest() override { ::unsetenv("NOTIFY_SOCKET"); }

  // "+name" for what was put in, "-name" for what was taken out.
  std::vector<std::string> told() {
    std::vector<std::string> all;
    std::array<char, 512> bytes{};
    for (ssize_t size = 0; (size = ::recv(manager_.get(), bytes.data(), bytes.size(), 0)) > 0;) {
      const std::string text(bytes.data(), static_cast<std::size_t>(size));
      all.push_back((text.starts_with("FDSTORE=1") ? "+" : "-") + text.substr(text.find("FDNAME=") + 7));
    }
    return all;
  }
  static restart::SavedAddress address(const std::string& key, const std::vector<Fd>& sockets) {
    restart::SavedAddress saved;
    saved.key = saved.configured = saved.bound = key;
    for (const Fd& socket : sockets)
      saved.sockets.push_back({.number = 1, .fd = socket.get(), .inode = inode_of(socket.get())});
    return saved;
  }
  static std::vector<Fd> sockets(int count) {
    std::vector<Fd> all;
    for (int i = 0; i < count; ++i) all.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return all;
  }
  static std::string named(const Fd& socket) { return "listen-" + std::to_string(inode_of(socket.get())); }

  Fd manager_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  FdStore store_;
};

TEST_F(FdStoreTest, DescribesASocketBeforeItPutsItIn) {
  const std::vector<Fd> web = sockets(1);
  ASSERT_TRUE(store_.keep({address("web", web)}, {}));
  EXPECT_THAT(told(), ElementsAre("+map-a", "-map-b", "+" + named(web[0])));
  ASSERT_TRUE(store_.keep({address("web", web)}, {}));
  EXPECT_THAT(told(), ElementsAre()) << "nothing is new";
}

TEST_F(FdStoreTest, TakesOutOneSocketOfAnAddress) {
  std::vector<Fd> web = sockets(2);
  ASSERT_TRUE(store_.keep({address("web", web)}, {}));
  (void)told();
  const std::string gone = named(web[1]);
  web.pop_back();
  ASSERT_TRUE(store_.keep({address("web", web)}, {}));
  EXPECT_THAT(told(), ElementsAre("+map-b", "-map-a", "-" + gone));
}

TEST_F(FdStoreTest, AManagerThatDoesNotListenIsToldLater) {
  const std::vector<Fd> web = sockets(1);
  while (notify_service_manager("WATCHDOG=1", {}, Millis(0))) {}
  const Result<> kept = store_.keep({address("web", web)}, {});
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code(), Code::kTimeout);
  (void)told();
  ASSERT_TRUE(store_.keep({address("web", web)}, {}));
  EXPECT_THAT(told(), ElementsAre("+map-a", "-map-b", "+" + named(web[0])));
}

// In a process of its own: the descriptors are given from number 3 on.
TEST_F(FdStoreTest, WhatNobodyHasDescribedGoes) {
  const std::vector<Fd> stray = sockets(1);
  const pid_t child = ::fork();
  if (child == 0) {
    (void)::dup2(stray[0].get(), 3);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("LISTEN_FDS", "1", 1);
    ::setenv("LISTEN_FDNAMES", "listen-c1cb68eb664a182b", 1);
    const FdStore::Taken taken = store_.take();
    const bool done = taken.addresses.empty() && ::fcntl(3, F_GETFD) < 0 && store_.keep({}, {});
    ::_exit(done ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_THAT(told(), ElementsAre("+map-a", "-map-b", "-listen-c1cb68eb664a182b"));
}

}  // namespace
}  // namespace sluice::supervisor
