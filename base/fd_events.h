// FdEvents: what epoll says about one descriptor, as two signals. The descriptor is registered once, edge-triggered,
// for both directions, and never again: an edge sets `readable` or `writable`; the code that reads or writes clears it
// when the kernel has no more (EAGAIN, or a read shorter than asked). No epoll_ctl per wait, and pausing a direction is
// just not waiting for it. Lifetime: must die before the descriptor is closed and before the loop. Whoever gets the
// descriptor gets this with it: moving costs no system call.
#pragma once
#include <memory>

#include "base/loop.h"
#include "base/signal.h"

namespace sluice {

class FdEvents {
 public:
  /// `fd` is borrowed and must be non-blocking. Both signals start set: the first read or write finds out.
  FdEvents(Loop& loop, int fd);
  /// Nobody waits for a signal of `other`, which is nothing any more.
  FdEvents(FdEvents&& other) noexcept;
  ~FdEvents();

  Signal readable;
  Signal writable;
  /// The peer has sent FIN (or RST): a short read no longer means that nothing is left to read.
  [[nodiscard]] bool peer_closed() const { return peer_closed_; }
  [[nodiscard]] Loop& loop() const { return loop_; }

  /// After a read that got `got` of `asked` bytes, not all: nothing is left, unless the peer has closed.
  void after_read(std::size_t got, std::size_t asked) {
    if (got < asked && !peer_closed_) {
      readable.clear();
      unconfirmed_ = true;
    }
  }
  /// After EAGAIN.
  void nothing_to_read() {
    readable.clear();
    unconfirmed_ = false;
  }
  /// Before waiting for the rest of something: has the next read look once more. A reset that came in the same edge as
  /// the last bytes gives no edge of its own, and libevent does not pass EPOLLERR on. Between messages nobody asks: it
  /// would cost a system call for each.
  void confirm() {
    if (unconfirmed_) readable.set();
    unconfirmed_ = false;
  }

 private:
  struct Registration;
  void happened(short what);

  Loop& loop_;
  std::unique_ptr<Registration> registration_;
  bool peer_closed_ = false;
  bool unconfirmed_ = false;
};

}  // namespace sluice
