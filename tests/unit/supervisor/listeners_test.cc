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
  std::string folder_;
};

int connect_to(const std::string& address) {
  const RawAddress raw = SocketAddress::parse(address).value().raw();
  const Fd fd(::socket(raw.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(fd.get(), raw.get(), raw.size) == 0 ? 0 : errno;
}

TEST_F(ListenersTest, GivesEveryWorkerItsOwnSocketOnOnePort) {
  const Result<BoundAddress> bound = BoundAddress::bind({.configured = "127.0.0.1:0", .workers = 3, .backlog = 16});
  ASSERT_TRUE(bound) << bound.error().message();
  EXPECT_FALSE(bound->bound().ends_with(":0"));
  EXPECT_EQ(connect_to(bound->bound()), 0);
  EXPECT_NE(bound->socket_of(0), bound->socket_of(1));
  for (std::uint32_t worker = 0; worker < 3; ++worker) {
    RawAddress raw;
    ASSERT_EQ(::getsockname(bound->socket_of(worker), raw.get(), &raw.size), 0);
    EXPECT_EQ(SocketAddress::from_raw(raw)->text(), bound->bound());
    EXPECT_NE(::fcntl(bound->socket_of(worker), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(bound->socket_of(worker), F_GETFD) & FD_CLOEXEC, 0);
  }
}

TEST_F(ListenersTest, Ipv6IsIpv6OnlyUnlessDual) {
  const Result<BoundAddress> only = BoundAddress::bind({.configured = "[::]:0", .workers = 1, .backlog = 16});
  if (!only) GTEST_SKIP() << "no IPv6 here: " << only.error().message();
  const std::uint16_t port = SocketAddress::parse(only->bound())->port();
  EXPECT_EQ(connect_to("[::1]:" + std::to_string(port)), 0);
  EXPECT_EQ(connect_to("127.0.0.1:" + std::to_string(port)), ECONNREFUSED);
  const Result<BoundAddress> dual = BoundAddress::bind({.configured = "dual:[::]:0", .workers = 1, .backlog = 16});
  ASSERT_TRUE(dual) << dual.error().message();
  const std::uint16_t both = SocketAddress::parse(dual->bound())->port();
  EXPECT_EQ(connect_to("[::1]:" + std::to_string(both)), 0);
  EXPECT_EQ(connect_to("127.0.0.1:" + std::to_string(both)), 0);
}

TEST_F(ListenersTest, DualWantsIpv6) {
  EXPECT_FALSE(ListenAddress::parse("dual:127.0.0.1:80"));
  EXPECT_FALSE(ListenAddress::parse("dual:unix:/x"));
  EXPECT_TRUE(ListenAddress::parse("dual:[::]:80"));
}

TEST_F(ListenersTest, APortInUseIsRefusedAlsoWhenItsOwnerWouldShareIt) {
  const Result<BoundAddress> first = BoundAddress::bind({.configured = "127.0.0.1:0", .workers = 2, .backlog = 16});
  ASSERT_TRUE(first);
  const Result<BoundAddress> second = BoundAddress::bind({.configured = first->bound(), .workers = 2, .backlog = 16});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message(), HasSubstr(first->bound()));
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
