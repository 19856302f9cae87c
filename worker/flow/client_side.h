// ClientSide: the client's end of one exchange, whatever HTTP version carries it. The on-ramp implements it, the
// exchange drives it: zero or more interim responses, then one final response or one tunnel.
#pragma once
#include "base/buffer.h"
#include "base/result.h"
#include "base/task.h"
#include "proto/http/head.h"
#include "worker/flow/body.h"
#include "worker/flow/stream.h"

namespace sluice::worker {

/// What an accepted CONNECT or Upgrade leaves: the client's bytes, and those that were read too far.
struct TunnelEnd {
  ByteStream& stream;
  Buffer& early;  ///< bytes already read that belong to the tunnel
};

class ClientSide {
 public:
  ClientSide() = default;
  ClientSide(ClientSide&&) = delete;
  virtual ~ClientSide() = default;

  [[nodiscard]] virtual BodySource& request_body() = 0;

  /// A 1xx response other than 101 (RFC 9110 section 15.2). Nothing is sent to a client that does not understand it.
  virtual Task<Result<>> send_interim(http::ResponseHead& head) = 0;

  /// The final response: writes the head, as the framing of this version wants it, and then the body, pulling it from
  /// the source. Errors of the source have its side; those of writing have Side::kClient. After an error in the middle
  /// the client is cut off in a way that it can see.
  virtual Task<Result<>> send_response(http::ResponseHead& head, BodySource& body) = 0;

  /// 2xx to CONNECT or 101: sends the head, after which the stream is the tunnel's.
  virtual Task<Result<TunnelEnd>> open_tunnel(http::ResponseHead& head) = 0;

  /// The client's bytes after this exchange cannot be trusted to be a new request (RFC 9112 section 9.3, RFC 9931):
  /// close once the answer is out. Before send_response(), so that the answer can say so.
  virtual void close_after() = 0;

  /// Ends when the client has gone while it should be waiting for its answer; never otherwise. Not while its body is
  /// being read.
  virtual Task<> left() = 0;

  /// The tunnel or the answer was cut, not ended: the close must look like it.
  virtual void cut() = 0;

  /// The client has taken the request back, and the exchange is about to be cancelled.
  [[nodiscard]] virtual bool gone() const { return false; }

  /// The body of the request has not come in full.
  [[nodiscard]] virtual bool receiving() const = 0;
  /// True once the first byte of a final response has been handed to the kernel, or a piece of an interim one: no other
  /// answer is possible.
  [[nodiscard]] virtual bool answered() const = 0;
  /// Bytes of response written so far, heads included.
  [[nodiscard]] virtual std::uint64_t bytes_sent() const = 0;
};

}  // namespace sluice::worker
