// OriginSide: the origin's end of one exchange, whatever HTTP version carries it; the mirror of ClientSide. The
// exchange drives it: the request, heads up to the final one, then a body or a tunnel. Destroying it ends what is not
// over.
#pragma once
#include "base/result.h"
#include "base/task.h"
#include "proto/http/head.h"
#include "proto/http/semantics.h"
#include "proto/http1/framing.h"
#include "worker/flow/body.h"
#include "worker/flow/client_side.h"

namespace sluice::worker {

struct OriginTimeouts {
  Millis first_byte{60000};  ///< from the last byte of the request to the first of the response
  Millis idle{60000};        ///< between two reads of a response
  Millis write{30000};       ///< longest time without progress while the origin takes the request
};

class OriginSide {
 public:
  OriginSide() = default;
  OriginSide(OriginSide&&) = delete;
  virtual ~OriginSide() = default;

  /// Sends the head and, when there is a body, goes on sending it in the background while the response is read. `head`
  /// has been prepared: hop-by-hop fields gone, framing declared. Errors: those of writing the head.
  virtual Task<Result<>> send(const http::RequestHead& head, http::TargetForm form, BodySource* body,
                              const http1::Framing& framing) = 0;
  /// Reads the next head: interim ones too. Errors: Retry::kIfReused while not a byte has come, Retry::kUnprocessed
  /// when the origin says that it has done nothing; the client's error when its body broke off.
  virtual Task<Result<>> read_head(http::ResponseHead& head) = 0;
  /// Makes read_head() end with this error: nobody wants the answer any more.
  virtual void abandon(Error error) = 0;
  /// Begins the body of the final response just read. Errors: framing that has two readings.
  [[nodiscard]] virtual Result<> begin_body(const http::ResponseHead& head, const http::ConnectionFacts& facts,
                                            http::Method asked) = 0;
  [[nodiscard]] virtual BodySource& response_body() = 0;
  /// The request's body has been sent to its end (or there was none).
  [[nodiscard]] virtual bool upload_done() const = 0;
  /// After the origin has agreed to a switch: the stream and what was read too far.
  [[nodiscard]] virtual TunnelEnd tunnel() = 0;
  /// After a tunnel that ended in order: until what was written to it is on its way.
  virtual Task<> finish_tunnel() = 0;
};

}  // namespace sluice::worker
