#include "supervisor/listeners.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "base/sys.h"

namespace sluice::supervisor {
namespace {
using testing::HasSubstr;

class ListenersTest : public testing::Test {
 protected:
  ListenersTest() : folder_(testing::TempDir() + "listeners_test." + std::to_string(::getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~ListenersTest() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::string path() const { return folder_ + "/s.sock"; }
  // Bound and listening.
  Result<std::shared_ptr<BoundAddress>> bind(const std::string& configured, std::uint32_t workers) {
    Result<std::shared_ptr<BoundAddress>> bound =
        sockets_.acquire(configured, {.configured = configured, .workers = workers, .backlog = 16});
    if (bound && !(*bound)->listen(16)) return fail(Code::kInternal, "listen");
    return bound;
  }
  std::string folder_;
  ListeningSockets sockets_;
};

using Which = BoundAddress::Which;

int connect_to(const std::string& address) {
  const RawAddress raw = SocketAddress::parse(address).value().raw();
  const Fd fd(::socket(raw.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(fd.get(), raw.get(), raw.size) == 0 ? 0 : errno;
}

TEST_F(ListenersTest, GivesEveryWorkerItsOwnSocketOnOnePort) {
  const auto bound = bind("127.0.0.1:0", 3);
  ASSERT_TRUE(bound) << bound.error().message();
  const BoundAddress& address = **bound;
  EXPECT_FALSE(address.bound().ends_with(":0"));
  EXPECT_EQ(connect_to(address.bound()), 0);
  std::set<int> different;
  for (std::uint32_t worker = 0; worker < 3; ++worker) {
    const std::vector<BoundAddress::Socket> its = address.sockets_of(worker, 3, Which::kListening);
    ASSERT_EQ(its.size(), 1U);
    different.insert(its[0].fd);
    RawAddress raw;
    ASSERT_EQ(::getsockname(its[0].fd, raw.get(), &raw.size), 0);
    EXPECT_EQ(SocketAddress::from_raw(raw)->text(), address.bound());
    EXPECT_NE(::fcntl(its[0].fd, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(its[0].fd, F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(different.size(), 3U);
}

TEST_F(ListenersTest, ASecondGenerationGetsTheSameSockets) {
  const auto first = bind("127.0.0.1:0", 2);
  ASSERT_TRUE(first);
  const std::vector<std::uint32_t> before = (*first)->numbers();
  const auto second = bind("127.0.0.1:0", 2);
  ASSERT_TRUE(second);
  EXPECT_EQ(*first, *second);
  EXPECT_EQ((*second)->numbers(), before);
}

TEST_F(ListenersTest, FewerWorkersShareAllSocketsSoThatNoQueueIsClosed) {
  const auto bound = bind("127.0.0.1:0", 8);
  ASSERT_TRUE(bound);
  for (const std::uint32_t workers : {1U, 2U, 3U, 8U}) {
    std::set<std::uint32_t> covered;
    for (std::uint32_t worker = 0; worker < workers; ++worker)
      for (const BoundAddress::Socket& socket : (*bound)->sockets_of(worker, workers, Which::kListening))
        EXPECT_TRUE(covered.insert(socket.number).second) << workers;
    EXPECT_EQ(covered.size(), 8U) << workers;
  }
}

TEST_F(ListenersTest, SocketsForMoreWorkersGetNothingBeforeTheyListen) {
  const auto bound = bind("127.0.0.1:0", 1);
  ASSERT_TRUE(bound);
  auto grown = sockets_.acquire("127.0.0.1:0", {.configured = "127.0.0.1:0", .workers = 4, .backlog = 16});
  ASSERT_TRUE(grown);
  EXPECT_EQ((*grown)->sockets_of(3, 4, Which::kAll).size(), 1U);
  EXPECT_EQ((*grown)->sockets_of(3, 4, Which::kListening).size(), 0U);
  const int only = (*grown)->sockets_of(0, 4, Which::kListening).at(0).fd;
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(connect_to((*grown)->bound()), 0);
    sockaddr_storage peer{};
    socklen_t size = 0;
    EXPECT_TRUE(sys::accept(only, peer, size).fd) << "a connection went to a socket that nobody looks at";
  }
  grown->reset();
  EXPECT_EQ((*bound)->numbers().size(), 1U);
}

TEST_F(ListenersTest, WhoFailsTakesNoSocketFromWhoComesNext) {
  const std::string key = "127.0.0.1:0";
  auto failed = sockets_.acquire(key, {.configured = key, .workers = 2, .backlog = 16});
  ASSERT_TRUE(failed);
  const auto next = sockets_.acquire(key, {.configured = key, .workers = 1, .backlog = 16});
  ASSERT_TRUE(next);
  failed->reset();
  ASSERT_TRUE((*next)->listen(16));
  EXPECT_EQ(connect_to((*next)->bound()), 0);
}

TEST_F(ListenersTest, AnAddressWithoutSocketsCannotListen) {
  const auto bound = bind("127.0.0.1:0", 1);
  ASSERT_TRUE(bound);
  (*bound)->close();
  EXPECT_FALSE((*bound)->listen(16));
}

// What a worker in somebody else's hands can do to the sockets that it shares with those to come.
TEST_F(ListenersTest, ASocketThatAWorkerHasShutMakesWayForANewOne) {
  const auto bound = bind("127.0.0.1:0", 2);
  ASSERT_TRUE(bound);
  const std::string where = (*bound)->bound();
  const std::vector<std::uint32_t> before = (*bound)->numbers();
  for (std::uint32_t worker : {0, 1})
    ASSERT_EQ(::shutdown((*bound)->sockets_of(worker, 2, Which::kListening).at(0).fd, SHUT_RDWR), 0);
  EXPECT_EQ(connect_to(where), ECONNREFUSED);
  ASSERT_TRUE((*bound)->listen(16));
  EXPECT_EQ((*bound)->bound(), where);
  EXPECT_EQ(connect_to(where), 0);
  for (const std::uint32_t number : (*bound)->numbers()) EXPECT_THAT(before, testing::Not(testing::Contains(number)));
  const std::vector<std::uint32_t> mended = (*bound)->numbers();
  ASSERT_TRUE((*bound)->listen(16));
  EXPECT_EQ((*bound)->numbers(), mended) << "what listens stays";
}

TEST_F(ListenersTest, ASocketThatAWorkerHasConnectedMakesWayForANewOne) {
  const auto other = bind("127.0.0.1:0", 1);
  const auto bound = bind("127.0.0.1:0", 1);
  ASSERT_TRUE(other && bound);
  const int socket = (*bound)->sockets_of(0, 1, Which::kListening).at(0).fd;
  ASSERT_EQ(::shutdown(socket, SHUT_RDWR), 0);
  const RawAddress there = SocketAddress::parse((*other)->bound()).value().raw();
  if (::connect(socket, there.get(), there.size) != 0) ASSERT_EQ(errno, EINPROGRESS);
  ASSERT_TRUE((*bound)->listen(16));
  EXPECT_EQ(connect_to((*bound)->bound()), 0);
}

TEST_F(ListenersTest, AUnixSocketThatAWorkerHasShutMakesWayForANewOne) {
  const auto bound =
      sockets_.acquire("x", {.configured = "unix:" + path(), .workers = 2, .backlog = 16, .unix_mode = 0640});
  ASSERT_TRUE(bound);
  ASSERT_TRUE((*bound)->listen(16));
  const std::vector<std::uint32_t> before = (*bound)->numbers();
  ASSERT_EQ(::shutdown((*bound)->sockets_of(0, 2, Which::kListening).at(0).fd, SHUT_RDWR), 0);
  ASSERT_TRUE((*bound)->listen(16));
  EXPECT_EQ(connect_to("unix:" + path()), 0);
  EXPECT_NE((*bound)->numbers(), before);
  struct stat info{};
  ASSERT_EQ(::lstat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0640U);
}

TEST_F(ListenersTest, AnAddressThatWasClosedAndComesBackIsBoundAgain) {
  const auto old = bind("127.0.0.1:0", 2);
  ASSERT_TRUE(old);
  const std::string where = (*old)->bound();
  (*old)->close();
  EXPECT_EQ(connect_to(where), ECONNREFUSED);
  const auto again = bind("127.0.0.1:0", 1);
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->bound(), where);
  EXPECT_EQ(connect_to(where), 0);
  const std::string file = "unix:" + path();
  const auto closed = bind(file, 1);
  ASSERT_TRUE(closed);
  (*closed)->close();
  EXPECT_EQ(connect_to(file), ENOENT);
  ASSERT_TRUE(bind(file, 1));
  EXPECT_EQ(connect_to(file), 0);
}

TEST_F(ListenersTest, BesideOrphansAUnixSocketIsTheirsUntilWeListen) {
  const Result<UnixListener> orphan = UnixListener::bind(path(), {.mode = 0600});
  ASSERT_TRUE(orphan);
  sockets_.expect_orphans();
  const auto bound = sockets_.acquire("x", {.configured = "unix:" + path(), .workers = 1, .backlog = 16});
  ASSERT_TRUE(bound) << bound.error().message();
  struct stat info{};
  ASSERT_EQ(::lstat(path().c_str(), &info), 0);
  EXPECT_EQ(info.st_ino, orphan->inode());
  ASSERT_TRUE((*bound)->listen(16));
  ASSERT_EQ(::lstat(path().c_str(), &info), 0);
  EXPECT_NE(info.st_ino, orphan->inode());
  EXPECT_EQ((*bound)->sockets_of(0, 1, Which::kListening).size(), 1U);
}

TEST_F(ListenersTest, AnAddressThatGoesAwayTakesNobodyNewAndLosesNobodyWhoIsThere) {
  const auto bound = bind("127.0.0.1:0", 1);
  ASSERT_TRUE(bound);
  const RawAddress raw = SocketAddress::parse((*bound)->bound()).value().raw();
  const Fd early(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(early.get(), raw.get(), raw.size), 0);
  (*bound)->refuse_new();
  const Fd late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  EXPECT_EQ(::connect(late.get(), raw.get(), raw.size), -1);
  EXPECT_EQ(errno, EINPROGRESS);
  const int listener = (*bound)->sockets_of(0, 1, Which::kListening).at(0).fd;
  sockaddr_storage peer{};
  socklen_t size = 0;
  const sys::Accepted first = sys::accept(listener, peer, size);
  EXPECT_TRUE(first.fd);
  EXPECT_EQ(sys::accept(listener, peer, size).error, EAGAIN);
}

TEST_F(ListenersTest, Ipv6IsIpv6OnlyUnlessDual) {
  const auto only = bind("[::]:0", 1);
  if (!only) GTEST_SKIP() << "no IPv6 here: " << only.error().message();
  const std::uint16_t port = SocketAddress::parse((*only)->bound())->port();
  EXPECT_EQ(connect_to("[::1]:" + std::to_string(port)), 0);
  EXPECT_EQ(connect_to("127.0.0.1:" + std::to_string(port)), ECONNREFUSED);
  const auto dual = bind("dual:[::]:0", 1);
  ASSERT_TRUE(dual) << dual.error().message();
  const std::uint16_t both = SocketAddress::parse((*dual)->bound())->port();
  EXPECT_EQ(connect_to("[::1]:" + std::to_string(both)), 0);
  EXPECT_EQ(connect_to("127.0.0.1:" + std::to_string(both)), 0);
}

TEST_F(ListenersTest, DualWantsIpv6) {
  EXPECT_FALSE(ListenAddress::parse("dual:127.0.0.1:80"));
  EXPECT_FALSE(ListenAddress::parse("dual:unix:/x"));
  EXPECT_TRUE(ListenAddress::parse("dual:[::]:80"));
}

TEST_F(ListenersTest, APortInUseIsRefusedAlsoWhenItsOwnerWouldShareIt) {
  const auto first = bind("127.0.0.1:0", 2);
  ASSERT_TRUE(first);
  ListeningSockets strangers;
  const auto second = strangers.acquire("x", {.configured = (*first)->bound(), .workers = 2, .backlog = 16});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), HasSubstr((*first)->bound()));
  EXPECT_THAT(second.error().message(), HasSubstr("EADDRINUSE"));
}

TEST_F(ListenersTest, AUnixSocketHasItsModeAndGoesAway) {
  {
    const Result<UnixListener> listener = UnixListener::bind(path(), {.mode = 0600});
    ASSERT_TRUE(listener) << listener.error().message();
    struct stat info{};
    ASSERT_EQ(::lstat(path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0600U);
    EXPECT_EQ(connect_to("unix:" + path()), 0);
  }
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(ListenersTest, ReplacesTheSocketOfAProcessThatIsGone) {
  {
    const RawAddress raw = SocketAddress::unix_path(path()).raw();
    const Fd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(dead.get(), raw.get(), raw.size), 0);
    ASSERT_EQ(::listen(dead.get(), 1), 0);
  }
  ASSERT_TRUE(std::filesystem::exists(path()));
  EXPECT_TRUE(UnixListener::bind(path(), {}));
}

TEST_F(ListenersTest, DoesNotTakeTheSocketOfAProcessThatListens) {
  const Result<UnixListener> first = UnixListener::bind(path(), {});
  ASSERT_TRUE(first);
  const Result<UnixListener> second = UnixListener::bind(path(), {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::kRefused);
  EXPECT_EQ(connect_to("unix:" + path()), 0) << "and leaves it alone";
}

TEST_F(ListenersTest, NeverRemovesWhatIsNotASocket) {
  std::ofstream(path()) << "precious";
  const Result<UnixListener> listener = UnixListener::bind(path(), {});
  ASSERT_FALSE(listener);
  EXPECT_TRUE(std::filesystem::is_regular_file(path()));
}

TEST_F(ListenersTest, LeavesASocketThatAnotherHasPutInItsPlace) {
  {
    Result<UnixListener> listener = UnixListener::bind(path(), {});
    ASSERT_TRUE(listener);
    std::filesystem::remove(path());
    std::ofstream(path()) << "another's";
  }
  EXPECT_TRUE(std::filesystem::exists(path()));
}

}  // namespace
}  // namespace sluice::supervisor
