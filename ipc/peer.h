// Peer: the channel with the message table applied: who may say what, when and how often, in both directions.
//
// The supervisor has a SupervisorEnd per worker, the worker one WorkerEnd. What comes out of receive() has been
// permitted by the table (ipc/messages.h) and is handled by std::visit over all the messages of that direction, so a
// message without a handler does not compile. Any Code::kProtocol error is final: the supervisor kills the worker, the
// worker exits.
#pragma once
#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "ipc/channel.h"
#include "ipc/messages.h"

namespace sluice::ipc {

/// Where a conversation stands. No I/O: the rules can be tested, and fuzzed, by themselves.
class Conversation {
 public:
  /// A message of this kind is being sent or has come. Errors: kProtocol when the table does not allow it now.
  [[nodiscard]] Result<> permit(const Rule& rule);
  [[nodiscard]] Phase phase() const { return phase_; }
  /// Message types that were seen, for whoever goes on with it.
  [[nodiscard]] std::vector<std::uint32_t> seen() const;
  /// Goes on with one that another program began.
  void go_on(Phase phase, std::span<const std::uint32_t> seen);

 private:
  static constexpr std::size_t kTypes = 128;
  Phase phase_ = Phase::kStarting;
  std::array<bool, kTypes> seen_{};
};

template <Role kSelf>
class Peer {
 public:
  using Outgoing = std::conditional_t<kSelf == Role::kSupervisor, FromSupervisor, FromWorker>;
  using Incoming = std::conditional_t<kSelf == Role::kSupervisor, FromWorker, FromSupervisor>;

  struct Received {
    Incoming message;
    std::vector<Fd> fds;  ///< as many as the message says
  };

  /// `fd` is this side's end of a channel_pair().
  explicit Peer(Fd fd);

  /// Needed before receive(), flush() and pump(). Once.
  void attach(Loop& loop) { channel_.attach(loop); }

  /// The next message. Errors: kProtocol, kClosed when the other process is gone, kTimeout.
  [[nodiscard]] Task<Result<Received>> receive(Deadline deadline);
  /// The same without a loop: blocks the thread.
  [[nodiscard]] Result<Received> receive_blocking(Deadline deadline);

  /// `post(Drain{.budget_ms = 5000})`. Never blocks: sends, or queues within bounds; the descriptors are borrowed for
  /// the call. Errors: kProtocol when the table does not allow the message now, kOverload when the peer does not read.
  [[nodiscard]] Result<> post(const Outgoing& message, std::span<const int> fds = {});
  /// Ends when all that was posted is with the kernel. Errors: kTimeout. Not beside pump().
  [[nodiscard]] Task<Result<>> flush(Deadline deadline) { return channel_.flush(deadline); }
  [[nodiscard]] Result<> flush_blocking(Deadline deadline) { return channel_.flush_blocking(deadline); }
  /// Background task that sends what waits; returns when the peer has not read for `patience` or is gone.
  [[nodiscard]] Task<Error> pump(Millis patience) { return channel_.pump(patience); }

  [[nodiscard]] Phase phase() const { return conversation_.phase(); }
  /// For another program that goes on with this end.
  [[nodiscard]] Conversation& conversation() { return conversation_; }
  [[nodiscard]] Channel& channel() { return channel_; }

 private:
  [[nodiscard]] Result<Received> judge(Packet&& packet);

  Channel channel_;
  Conversation conversation_;
};

extern template class Peer<Role::kSupervisor>;
extern template class Peer<Role::kWorker>;
using SupervisorEnd = Peer<Role::kSupervisor>;
using WorkerEnd = Peer<Role::kWorker>;

/// `std::visit(On{[](const Ready&) {…}, …}, received.message)`: one handler per message.
template <class... F>
struct On : F... {
  using F::operator()...;
};

}  // namespace sluice::ipc
