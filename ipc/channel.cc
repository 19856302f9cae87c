// See channel.h.
#include "ipc/channel.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "base/sys.h"
#include "ipc/messages.h"
#include "ipc/wait.h"

namespace sluice::ipc {
namespace {

constexpr std::size_t kControlSize = CMSG_SPACE(sizeof(int) * kMaxFds);

// Takes ownership of whatever arrived before anything is judged, so that no error path can leak a descriptor.
std::vector<Fd> take_descriptors(msghdr& message) {
  std::vector<Fd> fds;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + (i * sizeof(int)), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

}  // namespace

Result<ChannelPair> channel_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_errno(errno, "socketpair");
  return ChannelPair{.supervisor = Fd(ends[0]), .worker = Fd(ends[1])};
}

Channel::Channel(Fd fd, std::size_t fds_accepted) : fd_(std::move(fd)), fds_accepted_(fds_accepted) {
  SLUICE_CHECK(fds_accepted_ <= kMaxFds, "more descriptors than a message can have");
}

void Channel::attach(Loop& loop) {
  SLUICE_CHECK(!events_, "a channel is attached once");
  events_.emplace(loop, fd_.get());
}

Result<std::optional<Packet>> Channel::receive_now() {
  // one byte more than allowed, so that a packet of exactly the allowed size is not taken for a cut one
  std::array<char, kMaxPacket + 1> bytes;
  alignas(cmsghdr) std::array<char, kControlSize> control;
  iovec part{.iov_base = bytes.data(), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (fds_accepted_ > 0) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fds_accepted_);
  }
  const sys::Io io = sys::recvmsg(fd_.get(), message, MSG_DONTWAIT);
  if (io.again()) return std::nullopt;
  if (io.failed()) return fail_errno(io.error, "recvmsg");
  std::vector<Fd> fds = take_descriptors(message);
  if ((message.msg_flags & MSG_CTRUNC) != 0)
    return fail(Code::kProtocol,
                fmt::format("a packet with more than the {} descriptors allowed, or no room for them", fds_accepted_));
  // CMSG_SPACE rounds up, so one descriptor more than asked for can fit
  if (fds.size() > fds_accepted_)
    return fail(Code::kProtocol,
                fmt::format("a packet with {} descriptors, {} are allowed", fds.size(), fds_accepted_));
  if ((message.msg_flags & MSG_TRUNC) != 0 || io.bytes > kMaxPacket)
    return fail(Code::kProtocol, fmt::format("a packet of more than {} bytes", kMaxPacket));
  if (io.bytes == 0) return fail(Code::kClosed, "the other end of the channel is closed");
  return Packet{.bytes = std::string(bytes.data(), io.bytes), .fds = std::move(fds)};
}

Task<Result<Packet>> Channel::receive(Deadline deadline) {
  SLUICE_CHECK(events_, "the channel has no loop yet");
  for (;;) {
    Result<std::optional<Packet>> packet = receive_now();
    if (!packet) co_return fail(std::move(packet).error());
    if (*packet) co_return std::move(**packet);
    events_->readable.clear();
    const Wake wake = co_await events_->readable.wait(events_->loop(), deadline);
    if (wake == Wake::kTimeout) co_return fail(Code::kTimeout, "no message on the channel");
  }
}

Result<Packet> Channel::receive_blocking(Deadline deadline) {
  for (;;) {
    Result<std::optional<Packet>> packet = receive_now();
    if (!packet) return fail(std::move(packet).error());
    if (*packet) return std::move(**packet);
    if (Result<> ready = wait_for(fd_.get(), POLLIN, deadline, "the other end of the channel"); !ready)
      return fail(std::move(ready).error());
  }
}

Result<Channel::Sent> Channel::send_now(std::string_view bytes, std::span<const int> fds) {
  const sys::Io io = sys::send_rights(fd_.get(), bytes, fds, MSG_DONTWAIT);
  if (io.again()) return Sent::kAgain;
  if (io.failed()) return fail_errno(io.error, "sendmsg");
  return Sent::kYes;
}

void Channel::go_on_with(std::deque<Packet> queue) {
  queue_ = std::move(queue);
  if (!queue_.empty()) queued_.set();
}

Result<> Channel::post(std::string_view bytes, std::span<const int> fds) {
  if (bytes.empty() || bytes.size() > kMaxPacket || fds.size() > kMaxFds)
    return fail(Code::kTooLarge, fmt::format("a packet of {} bytes and {} descriptors", bytes.size(), fds.size()));
  if (Result<> sent = send_queued(); !sent) return sent;
  if (queue_.empty()) {
    const Result<Sent> sent = send_now(bytes, fds);
    if (!sent) return fail(sent.error());
    if (*sent == Sent::kYes) return {};
  }
  if (queue_.size() >= kMaxQueued)
    return fail(Code::kOverload, fmt::format("the peer does not read: {} packets wait for it", queue_.size()));
  Packet packet{.bytes = std::string(bytes)};
  for (const int fd : fds) {
    // Fd::duplicate() belongs to an owner; this borrows the number for the call
    Fd borrowed(fd);
    Result<Fd> copy = borrowed.duplicate();
    static_cast<void>(borrowed.release());
    if (!copy) return fail(std::move(copy).error());
    packet.fds.push_back(std::move(*copy));
  }
  queue_.push_back(std::move(packet));
  queued_.set();
  return {};
}

// Leaves what the kernel does not take yet in the queue.
Result<> Channel::send_queued() {
  while (!queue_.empty()) {
    const Packet& packet = queue_.front();
    std::vector<int> fds;
    std::ranges::transform(packet.fds, std::back_inserter(fds), &Fd::get);
    const Result<Sent> sent = send_now(packet.bytes, fds);
    if (!sent) return fail(sent.error());
    if (*sent == Sent::kAgain) return {};
    queue_.pop_front();
  }
  queued_.clear();
  return {};
}

Task<Result<>> Channel::flush(Deadline deadline) {
  SLUICE_CHECK(events_, "the channel has no loop yet");
  for (;;) {
    // cleared before the attempt: an edge that comes after it is not lost
    events_->writable.clear();
    Result<> sent = send_queued();
    if (!sent || queue_.empty()) co_return sent;
    const Wake wake = co_await events_->writable.wait(events_->loop(), deadline);
    if (wake == Wake::kTimeout)
      co_return fail(Code::kTimeout, fmt::format("the peer does not read: {} packets wait for it", queue_.size()));
  }
}

Result<> Channel::flush_blocking(Deadline deadline) {
  for (;;) {
    Result<> sent = send_queued();
    if (!sent || queue_.empty()) return sent;
    if (Result<> ready = wait_for(fd_.get(), POLLOUT, deadline, "the other end of the channel"); !ready) return ready;
  }
}

void Channel::shut() {
  sys::shutdown(fd_.get(), SHUT_RDWR);
  queue_.clear();
}

Task<Error> Channel::pump(Millis patience) {
  SLUICE_CHECK(events_, "the channel has no loop yet");
  Loop& loop = events_->loop();
  for (;;) {
    const Wake wake = co_await queued_.wait(loop, Deadline::never());
    static_cast<void>(wake);
    const Deadline deadline(loop.now() + patience);
    Result<> flushed = co_await flush(deadline);
    if (!flushed) co_return std::move(flushed).error();
  }
}

}  // namespace sluice::ipc
