// See socket_stream.h. Edge-triggered bookkeeping: a call that gets or takes less than asked has met the end of what
// the kernel has, so the signal is cleared and the next edge sets it (FdEvents::after_read has the exception for FIN).
#include "worker/flow/socket_stream.h"

#include <sys/socket.h>

namespace sluice::worker {

sys::Io SocketStream::read(std::span<char> into) {
  const sys::Io io = sys::recv(fd_.get(), into, 0);
  if (io.again()) {
    events_.nothing_to_read();
  } else if (io.done() && io.bytes != 0) {
    events_.after_read(io.bytes, into.size());
  }
  return io;
}

sys::Io SocketStream::peek(std::span<char> into) {
  const sys::Io io = sys::recv(fd_.get(), into, MSG_PEEK);
  if (io.again()) events_.nothing_to_read();
  return io;
}

sys::Io SocketStream::write(std::span<const iovec> from) {
  // send() is cheaper than sendmsg(), and one piece is the usual case
  const sys::Io io = from.size() == 1
                         ? sys::send(fd_.get(), {static_cast<const char*>(from[0].iov_base), from[0].iov_len}, 0)
                         : sys::send_vector(fd_.get(), from, 0);
  if (io.again()) {
    events_.writable.clear();
    return io;
  }
  if (io.done()) {
    std::size_t asked = 0;
    for (const iovec& piece : from) asked += piece.iov_len;
    if (io.bytes < asked) events_.writable.clear();
  }
  return io;
}

bool SocketStream::broken() {
  char byte = 0;
  const sys::Io io = sys::recv(fd_.get(), {&byte, 1}, MSG_PEEK);
  if (io.again()) events_.nothing_to_read();
  return io.failed();
}

void SocketStream::abort() {
  reset_on_close();
  // dissolving the association resets a TCP connection at once; a UNIX socket knows no reset
  const sockaddr nowhere{.sa_family = AF_UNSPEC, .sa_data = {}};
  if (::connect(fd_.get(), &nowhere, sizeof nowhere) != 0) sys::shutdown(fd_.get(), SHUT_RDWR);
  events_.readable.set();
  events_.writable.set();
}

bool SocketStream::quiet() {
  char byte = 0;
  if (sys::recv(fd_.get(), {&byte, 1}, MSG_PEEK).again()) return true;
  events_.readable.set();
  return false;
}

bool SocketStream::end_if_quiet() {
  if (!quiet()) return false;
  sys::shutdown(fd_.get(), SHUT_RDWR);
  events_.readable.set();
  return true;
}

void SocketStream::shutdown_write() {
  sys::shutdown(fd_.get(), SHUT_WR);
}

void SocketStream::reset_on_close() {
  const linger abort{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
}

}  // namespace sluice::worker
