// UDP addresses and their steering, with real sockets; what wants BPF is skipped where it cannot be had.
#include "supervisor/datagrams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>

#include "base/sys.h"

namespace sluice::supervisor {
namespace {
using testing::HasSubstr;
using Turn = DatagramShare::Turn;

class DatagramsTest : public testing::Test {
 protected:
  Result<std::unique_ptr<DatagramShare>> share(std::uint64_t generation, std::uint32_t workers,
                                               ipc::UdpSteering steering, const std::string& listen = "127.0.0.1:0") {
    return sockets_.acquire({.key = listen,
                             .configured = listen,
                             .workers = workers,
                             .generation = generation,
                             .idle_seconds = 60,
                             .steering = steering});
  }
  static Fd client(const DatagramShare& to) {
    Result<SocketAddress> address = SocketAddress::parse(to.bound());
    Fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const RawAddress raw = address->raw();
    EXPECT_EQ(::connect(fd.get(), raw.get(), raw.size), 0);
    return fd;
  }
  // How many datagrams wait at the workers of a generation, taking them.
  static std::size_t waiting(const DatagramShare& share, std::uint32_t workers) {
    std::size_t count = 0;
    for (std::uint32_t worker = 0; worker < workers; ++worker)
      for (const DatagramShare::Socket& socket : share.sockets_of(worker, workers, Turn::kServing)) {
        char byte = 0;
        while (::recv(socket.fd, &byte, 1, MSG_DONTWAIT) >= 0) ++count;
      }
    return count;
  }
  void send(std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i) EXPECT_EQ(::send(clients_.at(i).get(), "x", 1, 0), 1);
  }

  ListeningSockets numbers_;
  DatagramSockets sockets_{numbers_};
  std::vector<Fd> clients_;
};

class ByBpf : public DatagramsTest {
 protected:
  void SetUp() override {
    if (Result<> decided = sockets_.steering().decide(ipc::UdpSteering::kBpf); !decided)
      GTEST_SKIP() << decided.error().message();
  }
};

TEST_F(ByBpf, AFlowStaysWithItsGenerationAndNewOnesGoToTheCurrent) {
  auto old = share(1, 2, ipc::UdpSteering::kBpf);
  ASSERT_TRUE(old) << old.error().message();
  sockets_.steering().make_current(1);
  for (int i = 0; i < 40; ++i) clients_.push_back(client(**old));
  send(0, 20);
  EXPECT_EQ(waiting(**old, 2), 20U);
  auto next = share(2, 4, ipc::UdpSteering::kBpf);
  ASSERT_TRUE(next) << next.error().message();
  send(0, 20);
  EXPECT_EQ(waiting(**next, 4), 0U);  // nothing before the switch
  EXPECT_EQ(waiting(**old, 2), 20U);
  sockets_.steering().make_current(2);
  send(0, 40);
  EXPECT_EQ(waiting(**old, 2), 20U);
  EXPECT_EQ(waiting(**next, 4), 20U);
  sockets_.steering().make_current(1);  // taken back
  clients_.push_back(client(**old));
  send(0, 41);
  EXPECT_EQ(waiting(**old, 2), 21U);
  EXPECT_EQ(waiting(**next, 4), 20U);
}

TEST_F(ByBpf, WhoIsSteeredAroundLosesItsFlowsToTheCurrent) {
  auto old = share(1, 1, ipc::UdpSteering::kBpf);
  ASSERT_TRUE(old);
  sockets_.steering().make_current(1);
  for (int i = 0; i < 10; ++i) clients_.push_back(client(**old));
  send(0, 10);
  EXPECT_EQ(waiting(**old, 1), 10U);
  auto next = share(2, 2, ipc::UdpSteering::kBpf);
  ASSERT_TRUE(next);
  sockets_.steering().make_current(2);
  (*old)->steer_away(0);
  send(0, 10);
  EXPECT_EQ(waiting(**old, 1), 0U);
  EXPECT_EQ(waiting(**next, 2), 10U);
}

TEST_F(ByBpf, AnAddressThatTheNewGenerationDoesNotHaveStaysWithTheOld) {
  auto stays = share(1, 1, ipc::UdpSteering::kBpf);
  auto other = share(1, 1, ipc::UdpSteering::kBpf, "127.0.0.2:0");
  ASSERT_TRUE(stays && other);
  sockets_.steering().make_current(1);
  auto next = share(2, 1, ipc::UdpSteering::kBpf, "127.0.0.2:0");
  ASSERT_TRUE(next);
  sockets_.steering().make_current(2);
  clients_.push_back(client(**stays));
  send(0, 1);
  EXPECT_EQ(waiting(**stays, 1), 1U);
}

TEST_F(ByBpf, NothingIsLeftOfGenerationsThatHaveGone) {
  for (std::uint64_t generation = 1; generation <= 300; ++generation) {
    auto held = share(generation, 8, ipc::UdpSteering::kBpf);
    ASSERT_TRUE(held) << generation << " " << held.error().message();
    sockets_.steering().make_current(generation);
    EXPECT_EQ(sockets_.steering().count().sockets, 8U);
  }
  const Steering::Count left = sockets_.steering().count();
  EXPECT_EQ(left.sockets, 0U);
  EXPECT_EQ(left.ranges, 0U);
  EXPECT_EQ(left.addresses, 0U);
}

TEST_F(DatagramsTest, SharedSocketsNeverChangeInNumber) {
  auto first = share(1, 2, ipc::UdpSteering::kForward);
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ((*first)->numbers().size(), 2U);
  EXPECT_EQ((*first)->sockets_of(1, 2, Turn::kNext).at(0).duty, ipc::Duty::kRead);  // nobody had them before
  auto more = share(2, 5, ipc::UdpSteering::kForward);
  ASSERT_TRUE(more);
  EXPECT_EQ((*more)->numbers(), (*first)->numbers());
  std::map<std::uint32_t, std::size_t> readers;
  for (std::uint32_t worker = 0; worker < 5; ++worker) {
    const auto its = (*more)->sockets_of(worker, 5, Turn::kNext);
    ASSERT_EQ(its.size(), 1U);  // for answers, whoever reads
    EXPECT_EQ(its[0].place, worker % 2);
    EXPECT_EQ(its[0].places, 2);
    EXPECT_EQ(its[0].duty, ipc::Duty::kReadAfter);
  }
  auto fewer = share(3, 1, ipc::UdpSteering::kForward);
  ASSERT_TRUE(fewer);
  EXPECT_EQ((*fewer)->sockets_of(0, 1, Turn::kServing).size(), 2U);
}

TEST_F(DatagramsTest, AStrangersPortIsRefused) {
  const Fd stranger(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(sys::set_option(stranger.get(), SOL_SOCKET, SO_REUSEPORT, 1));
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(stranger.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
  socklen_t size = sizeof any;
  ASSERT_EQ(::getsockname(stranger.get(), reinterpret_cast<sockaddr*>(&any), &size), 0);
  const std::string address = "127.0.0.1:" + std::to_string(ntohs(any.sin_port));
  const auto refused = share(1, 1, ipc::UdpSteering::kForward, address);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("UDP on " + address));
}

}  // namespace
}  // namespace sluice::supervisor
