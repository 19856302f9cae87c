// ByteStream: a half-closable stream of bytes, whatever carries it: a TCP or UNIX socket, a TLS session over one, an
// HTTP/2 CONNECT stream later. The on-ramps, the off-ramps and the tunnels know only this.
//
// Readiness and data are apart: read() and write() never wait; `readable()` and `writable()` are signals to wait for.
// So a waiting connection needs no buffer, and pausing is just not reading. A resource; owned by the connection it
// belongs to.
#pragma once
#include <sys/uio.h>

#include <span>

#include "base/error.h"
#include "base/signal.h"
#include "base/sys.h"

namespace sluice::worker {

class ByteStream {
 public:
  ByteStream() = default;
  ByteStream(ByteStream&&) = delete;
  virtual ~ByteStream() = default;

  /// As read(2) on a non-blocking socket: kDone with 0 bytes is the end of the stream. Clears readable() when nothing
  /// is left.
  [[nodiscard]] virtual sys::Io read(std::span<char> into) = 0;
  /// As writev(2): may take less than all; clears writable() when it does.
  [[nodiscard]] virtual sys::Io write(std::span<const iovec> from) = 0;
  /// Why a read or write has failed; `call` is "read" or "write".
  [[nodiscard]] virtual Error why(const sys::Io& io, std::string_view call) const {
    return Error::from_errno(io.error, call);
  }
  /// No more bytes will be written; reading goes on.
  virtual void shutdown_write() = 0;
  /// Makes the close that follows a reset, so that the peer does not take a cut for an end.
  virtual void reset_on_close() = 0;

  [[nodiscard]] virtual Signal& readable() = 0;
  [[nodiscard]] virtual Signal& writable() = 0;
  /// Before waiting for the rest of a message or a tunnel: lets the next read find a reset that hid behind the last
  /// bytes.
  virtual void confirm() = 0;
  /// Without taking anything: has the peer reset the connection?
  [[nodiscard]] virtual bool broken() = 0;
  /// True once the peer is known to have ended its side (FIN or RST), read or not.
  [[nodiscard]] virtual bool peer_closed() const = 0;
  /// The socket under the bytes for splice(2), -1 when there is none. What moves there must not be read() as well.
  [[nodiscard]] virtual int plain_socket() const = 0;
};

}  // namespace sluice::worker
