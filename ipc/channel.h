// Channel: one end of the SOCK_SEQPACKET pair between the supervisor and a worker; carries packets with descriptors.
//
// The idea: a packet is received whole or not at all; a cut packet, cut descriptors or too many of them are errors, and
// every descriptor that came with an error is closed. Sending never blocks: post() sends at once or queues, the queue
// is bounded, and a peer that does not read in time is an error of flush() or pump(), so a worker that hangs cannot
// hang the supervisor. Before a process has a loop it uses the blocking forms, which also have deadlines. What the
// bytes mean is ipc/peer.h's business. Owned by a Peer. Lifetime: must die before the loop it is attached to.
#pragma once
#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/fd_events.h"
#include "base/loop.h"
#include "base/result.h"
#include "base/signal.h"
#include "base/task.h"

namespace sluice::ipc {

struct Packet {
  std::string bytes;
  std::vector<Fd> fds;  ///< close-on-exec
};

struct ChannelPair {
  Fd supervisor;
  Fd worker;
};
/// Two connected ends, non-blocking and close-on-exec.
[[nodiscard]] Result<ChannelPair> channel_pair();

class Channel {
 public:
  static constexpr std::size_t kMaxPacket = std::size_t{64} * 1024;
  /// Packets that wait in the queue before the peer is taken for hung.
  static constexpr std::size_t kMaxQueued = 64;

  /// Takes at most `fds_accepted` descriptors with a packet; the kernel drops what is more, and that is an error.
  Channel(Fd fd, std::size_t fds_accepted);
  Channel(Channel&&) = delete;

  /// From now on the awaitable forms can be used. Once.
  void attach(Loop& loop);

  /// The next packet. Errors: kClosed when the peer is gone, kTimeout, kProtocol for a cut packet or cut descriptors.
  [[nodiscard]] Task<Result<Packet>> receive(Deadline deadline);
  /// The same without a loop: blocks the thread.
  [[nodiscard]] Result<Packet> receive_blocking(Deadline deadline);

  /// Sends at once, or queues a copy with duplicates of the descriptors, which are borrowed. Errors: kOverload when the
  /// queue is full, kTooLarge, or what the system says; nothing has been sent or queued then.
  [[nodiscard]] Result<> post(std::string_view bytes, std::span<const int> fds);
  /// Ends when nothing is queued. Errors: kTimeout when the peer has not read, or what the system says. Not beside
  /// pump().
  [[nodiscard]] Task<Result<>> flush(Deadline deadline);
  [[nodiscard]] Result<> flush_blocking(Deadline deadline);
  /// Sends what post() queues, for as long as the channel lives. Returns the first error; kTimeout when the peer has
  /// not read for `patience` while something waited.
  [[nodiscard]] Task<Error> pump(Millis patience);

  /// Neither side can send any more; what has been sent can still be received. What waits in the queue is dropped.
  void shut();

  [[nodiscard]] std::size_t queued() const { return queue_.size(); }
  /// What waits, and the descriptor: for another program that goes on with this end. Borrowed.
  [[nodiscard]] const std::deque<Packet>& queue() const { return queue_; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Goes on with what another program had queued.
  void go_on_with(std::deque<Packet> queue);

 private:
  enum class Sent : std::uint8_t { kYes, kAgain };
  [[nodiscard]] Result<Sent> send_now(std::string_view bytes, std::span<const int> fds);
  [[nodiscard]] Result<> send_queued();
  /// Empty when nothing is there yet.
  [[nodiscard]] Result<std::optional<Packet>> receive_now();

  Fd fd_;
  std::size_t fds_accepted_;
  std::deque<Packet> queue_;
  Signal queued_;
  std::optional<FdEvents> events_;  // dies before fd_
};

}  // namespace sluice::ipc
