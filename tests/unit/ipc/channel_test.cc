// The channel at its edges: descriptor batches, cut packets, peers that hang or vanish, and not one descriptor lost.
#include "ipc/channel.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstring>
#include <filesystem>

#include "base/frames.h"
#include "base/scope.h"
#include "base/sys.h"
#include "ipc/messages.h"
#include "ipc/peer.h"

namespace sluice::ipc {
namespace {

Deadline in(Millis time) {
  return Deadline(steady_now() + time);
}
Deadline soon() {
  return in(Millis(2000));
}

std::ptrdiff_t open_descriptors() {
  const auto all = std::filesystem::directory_iterator("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

// What a hostile process can do with its end of the channel: anything sendmsg(2) lets it.
bool send_raw(const Fd& fd, std::string_view bytes, std::span<const int> fds) {
  iovec part{.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  std::vector<char> control(CMSG_SPACE(fds.size_bytes()));
  if (!fds.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* const rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
  }
  return sys::sendmsg(fd.get(), message, MSG_DONTWAIT).done();
}

class ChannelTest : public testing::Test {
 protected:
  ~ChannelTest() override {
    EXPECT_EQ(frames::live(), 0);
    EXPECT_EQ(open_descriptors(), before_) << "descriptors leaked";
  }
  [[nodiscard]] std::vector<int> many(std::size_t count) const { return std::vector<int>(count, null_.get()); }

  std::ptrdiff_t before_ = open_descriptors() + 1;  // the one that all descriptors here are duplicates of
  Fd null_{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
};

TEST_F(ChannelTest, CarriesBatchesOfDescriptors) {
  ChannelPair pair = *channel_pair();
  Channel sender(std::move(pair.supervisor), 0);
  Channel receiver(std::move(pair.worker), kMaxFds);
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{2}, kMaxFds}) {
    ASSERT_TRUE(sender.post("packet", many(count)));
    const Result<Packet> packet = receiver.receive_blocking(soon());
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->bytes, "packet");
    ASSERT_EQ(packet->fds.size(), count);
    for (const Fd& fd : packet->fds) EXPECT_EQ(::fcntl(fd.get(), F_GETFD), FD_CLOEXEC);
  }
  EXPECT_EQ(sender.post("packet", many(kMaxFds + 1)).error().code(), Code::kTooLarge);
}

TEST_F(ChannelTest, RefusesMoreDescriptorsThanItAccepts) {
  struct Case {
    std::size_t accepted;
    std::size_t sent;
  };
  for (const Case& c : {Case{0, 1}, Case{0, 253}, Case{1, 2}, Case{1, 3}, Case{2, 253}, Case{kMaxFds, kMaxFds + 1},
                        Case{kMaxFds, 253}}) {
    ChannelPair pair = *channel_pair();
    Channel receiver(std::move(pair.supervisor), c.accepted);
    ASSERT_TRUE(send_raw(pair.worker, "packet", many(c.sent)));
    const Result<Packet> packet = receiver.receive_blocking(soon());
    ASSERT_FALSE(packet) << c.accepted << " " << c.sent;
    EXPECT_EQ(packet.error().code(), Code::kProtocol);
  }
}

TEST_F(ChannelTest, RefusesAPacketThatIsTooLong) {
  ChannelPair pair = *channel_pair();
  Channel receiver(std::move(pair.supervisor), 1);
  const std::string most(Channel::kMaxPacket, 'x');
  ASSERT_TRUE(send_raw(pair.worker, most, {}));
  ASSERT_TRUE(send_raw(pair.worker, most + "x", many(1)));
  EXPECT_EQ(receiver.receive_blocking(soon())->bytes, most);
  EXPECT_EQ(receiver.receive_blocking(soon()).error().code(), Code::kProtocol);
  ASSERT_TRUE(send_raw(pair.worker, most + std::string(5000, 'x'), many(1)));
  EXPECT_EQ(receiver.receive_blocking(soon()).error().code(), Code::kProtocol);
}

TEST_F(ChannelTest, TellsWhenThePeerIsGone) {
  ChannelPair pair = *channel_pair();
  Channel left(std::move(pair.supervisor), 0);
  EXPECT_EQ(left.receive_blocking(in(Millis(1))).error().code(), Code::kTimeout);
  pair.worker = Fd();
  EXPECT_EQ(left.receive_blocking(soon()).error().code(), Code::kClosed);
  EXPECT_EQ(left.post("packet", {}).error().sys(), EPIPE);
}

// Fills the kernel's buffer until packets have to wait.
void fill(Channel& sender, std::span<const int> fds) {
  int next = 0;
  while (sender.queued() < 3) ASSERT_TRUE(sender.post(std::to_string(next++) + std::string(8000, ' '), fds));
}

TEST_F(ChannelTest, QueuesForASlowPeerAndKeepsTheOrder) {
  ChannelPair pair = *channel_pair();
  Channel sender(std::move(pair.supervisor), 0);
  Channel receiver(std::move(pair.worker), 1);
  fill(sender, many(1));
  int expected = 0;
  for (;;) {
    const Result<Packet> packet = receiver.receive_blocking(in(Millis(0)));
    if (!packet && sender.queued() == 0) break;
    if (packet) {
      EXPECT_EQ(std::stoi(packet->bytes), expected++);
      EXPECT_EQ(packet->fds.size(), 1U);
    }
    // kTimeout as long as the kernel has no room
    if (const Result<> flushed = sender.flush_blocking(in(Millis(0))); !flushed)
      ASSERT_EQ(flushed.error().code(), Code::kTimeout);
  }
  EXPECT_GT(expected, 3);
}

TEST_F(ChannelTest, GivesUpOnAPeerThatNeverReads) {
  ChannelPair pair = *channel_pair();
  Channel sender(std::move(pair.supervisor), 0);
  fill(sender, many(1));
  EXPECT_EQ(sender.flush_blocking(in(Millis(5))).error().code(), Code::kTimeout);
  Result<> posted;
  for (std::size_t i = 0; i <= Channel::kMaxQueued && posted; ++i) posted = sender.post("packet", many(1));
  ASSERT_FALSE(posted);
  EXPECT_EQ(posted.error().code(), Code::kOverload);
  EXPECT_EQ(sender.queued(), Channel::kMaxQueued);
}

Task<> pump_until_error(Loop& loop, Channel& channel, Millis patience, Code& end) {
  const Error error = co_await channel.pump(patience);
  end = error.code();
  loop.stop();
}

TEST_F(ChannelTest, ItsPumpSaysThatThePeerHangs) {
  Loop loop;
  ChannelPair pair = *channel_pair();
  Channel sender(std::move(pair.supervisor), 0);
  sender.attach(loop);
  Code end = Code::kInternal;
  Scope scope;
  scope.spawn([&] { return pump_until_error(loop, sender, Millis(10), end); });
  fill(sender, {});
  loop.run();
  EXPECT_EQ(end, Code::kTimeout);
}

Task<> read_all(Loop& loop, Channel& channel, int& packets) {
  for (;;) {
    const Deadline deadline(loop.now() + Millis(30));
    const Result<Packet> packet = co_await channel.receive(deadline);
    if (!packet) break;
    ++packets;
  }
  loop.stop();
}

TEST_F(ChannelTest, ItsPumpDeliversWhatHadToWait) {
  Loop loop;
  ChannelPair pair = *channel_pair();
  Channel sender(std::move(pair.supervisor), 0);
  Channel receiver(std::move(pair.worker), 0);
  sender.attach(loop);
  receiver.attach(loop);
  Code end = Code::kInternal;
  int packets = 0;
  Scope scope;
  scope.spawn([&] { return pump_until_error(loop, sender, Millis(2000), end); });
  int posted = 0;
  while (sender.queued() < 20) {
    ASSERT_TRUE(sender.post(std::string(8000, 'x'), {}));
    ++posted;
  }
  scope.spawn([&] { return read_all(loop, receiver, packets); });
  loop.run();
  EXPECT_EQ(packets, posted);
  EXPECT_EQ(end, Code::kInternal) << "the pump is still at work";
}

TEST_F(ChannelTest, LosesNoDescriptorWhenAMessageIsRefused) {
  const std::string configure = *encode(Configure{}, 2);
  std::string unknown = configure;
  unknown[2] = 99;
  std::string three = configure;
  three[4] = 3;
  struct Case {
    std::string bytes;
    std::size_t fds;
  };
  for (const Case& c : {Case{"x", 250}, Case{configure, 1}, Case{configure, 3}, Case{three, 3}, Case{unknown, 2},
                        Case{configure + "x", 2}, Case{*encode(Begin{}, 0), 1}}) {
    ChannelPair pair = *channel_pair();
    WorkerEnd worker(std::move(pair.worker));
    ASSERT_TRUE(send_raw(pair.supervisor, c.bytes, many(c.fds)));
    EXPECT_EQ(worker.receive_blocking(soon()).error().code(), Code::kProtocol);
  }
  // what is still in the socket when it is closed
  ChannelPair pair = *channel_pair();
  ASSERT_TRUE(send_raw(pair.supervisor, configure, many(2)));
}

TEST_F(ChannelTest, TakesAnEmptyPacketForTheEnd) {
  ChannelPair pair = *channel_pair();
  SupervisorEnd supervisor(std::move(pair.supervisor));
  ASSERT_TRUE(send_raw(pair.worker, "", {}));
  EXPECT_EQ(supervisor.receive_blocking(soon()).error().code(), Code::kClosed);
}

TEST_F(ChannelTest, SurvivesFailingSystemCalls) {
  ChannelPair pair = *channel_pair();
  Channel sender(std::move(pair.supervisor), 0);
  Channel receiver(std::move(pair.worker), 1);
  sys::inject([](const char* call) { return std::string_view(call) == "sendmsg" ? ENOBUFS : 0; });
  EXPECT_EQ(sender.post("packet", many(1)).error().sys(), ENOBUFS);
  sys::inject(nullptr);
  ASSERT_TRUE(sender.post("packet", many(1)));
  sys::inject([](const char* call) { return std::string_view(call) == "recvmsg" ? ENOMEM : 0; });
  EXPECT_EQ(receiver.receive_blocking(soon()).error().sys(), ENOMEM);
  sys::inject(nullptr);
  EXPECT_EQ(receiver.receive_blocking(soon())->fds.size(), 1U);
}

}  // namespace
}  // namespace sluice::ipc
