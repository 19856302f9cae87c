// Http1Session: a client connection that speaks HTTP/1.0 or 1.1, request after request, over any ByteStream. Pipelined
// requests are served one after the other, so their answers keep their order (RFC 9112 section 9.3.2).
//
// Between requests it holds no buffer and one small coroutine frame; everything large lives in the frame of the request
// being served. Owned by the acceptor's task for the connection.
#pragma once
#include "base/buffer.h"
#include "worker/flow/client_connection.h"
#include "worker/flow/stream.h"
#include "worker/services.h"

namespace sluice::worker {

class Http1Session {
 public:
  Http1Session(const Services& services, EndpointIndex endpoint, ClientConnection& connection, ByteStream& stream)
      : services_(services), endpoint_(endpoint), connection_(connection), stream_(stream) {}
  Http1Session(Http1Session&&) = delete;

  enum class Ended : std::uint8_t {
    kClosed,  ///< the connection is to be closed
    kHalted,  ///< between two requests, as was wanted; run() goes on where it stopped
    kHttp2,   ///< it speaks HTTP/2, from what is in buffer() on
  };
  Task<Ended> run();

  /// Bytes of the next request that have been read.
  [[nodiscard]] std::string_view read() const { return in_.view(); }
  /// The connection's read buffer, for who goes on with it.
  [[nodiscard]] Buffer& buffer() { return in_; }
  /// Begins as another worker's session has stopped: `read` has been read, and the wait for the next request began when
  /// the connection's facts say.
  void take_over(std::string_view read) {
    in_.append(read);
    waits_ = true;
  }

 private:
  /// The wait for a request begins; returns when it is to end.
  [[nodiscard]] Deadline begin_idle();
  /// Reads what the wait has brought, which may be nothing yet; false when there will be no request.
  [[nodiscard]] bool arrived(Wake wake);
  /// What becomes of the connection after a request.
  enum class Next : std::uint8_t {
    kAnother,  ///< another request may follow
    kLinger,   ///< it has been answered, but may still be sending
    kClose,
    kHttp2,  ///< it was no request but the preface of HTTP/2
  };
  /// Serves the request whose first bytes are in the buffer.
  Task<Next> serve_one();
  [[nodiscard]] Deadline idle_deadline() const;

  const Services& services_;
  EndpointIndex endpoint_;
  ClientConnection& connection_;
  ByteStream& stream_;
  Buffer in_;
  std::uint32_t pipelined_ = 0;  ///< requests begun since the connection was last read
  bool waits_ = false;           // it is idle already, and keeps its time
};

}  // namespace sluice::worker
