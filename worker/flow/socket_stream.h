// SocketStream: a ByteStream that is a connected TCP or UNIX socket, registered once with the loop.
#pragma once
#include "base/fd.h"
#include "base/fd_events.h"
#include "worker/flow/stream.h"

namespace sluice::worker {

class SocketStream final : public ByteStream {
 public:
  /// `fd` is connected and non-blocking.
  SocketStream(Loop& loop, Fd fd) : fd_(std::move(fd)), events_(loop, fd_.get()) {}
  /// `events` are of `fd`.
  SocketStream(Fd fd, FdEvents events) : fd_(std::move(fd)), events_(std::move(events)) {}

  [[nodiscard]] sys::Io read(std::span<char> into) override;
  [[nodiscard]] sys::Io write(std::span<const iovec> from) override;
  /// As read(), but leaves the bytes where they are; always from the first one on.
  [[nodiscard]] sys::Io peek(std::span<char> into);
  void shutdown_write() override;
  void reset_on_close() override;
  /// Ends the connection from outside, whoever waits for it: they see an error, the peer sees a reset.
  void abort();
  [[nodiscard]] Signal& readable() override { return events_.readable; }
  [[nodiscard]] Signal& writable() override { return events_.writable; }
  void confirm() override { events_.confirm(); }
  [[nodiscard]] bool broken() override;
  /// Ends it the polite way: they and the peer see the end of the stream. False, and nothing done, when bytes of the
  /// peer have come that nobody has read.
  [[nodiscard]] bool end_if_quiet();
  /// Nothing has come that nobody has read; otherwise the reader is woken.
  [[nodiscard]] bool quiet();
  [[nodiscard]] bool peer_closed() const override { return events_.peer_closed(); }
  [[nodiscard]] int plain_socket() const override { return fd_.get(); }

 private:
  Fd fd_;
  FdEvents events_;
};

}  // namespace sluice::worker
