// Http1Client: the client's end of one exchange over HTTP/1.0 or 1.1 (RFC 9112). Made for each request by Http1Session;
// frames responses as the client's version wants them and decides whether the connection can carry another request.
#pragma once
#include <cstdint>

#include "base/buffer.h"
#include "base/loop.h"
#include "proto/http/head.h"
#include "proto/http/semantics.h"
#include "worker/flow/client_side.h"
#include "worker/flow/http1_body.h"
#include "worker/flow/http1_pump.h"

namespace sluice::worker {

class Http1Client final : public ClientSide {
 public:
  /// `in` is the connection's read buffer, behind the head of the request. `pace` is how fast the client must take its
  /// answer.
  Http1Client(Loop& loop, ByteStream& stream, Buffer& in, const Pace& pace)
      : loop_(loop),
        stream_(stream),
        in_(in),
        body_(loop, stream, in, Side::kClient),
        pump_(loop, stream, pace, Side::kClient) {}

  /// What the request says about its connection and body. Before it is called, responses are framed for a client that
  /// closes.
  void begin(const http::RequestHead& request, const http::ConnectionFacts& facts, const http1::Framing& framing,
             const http1::BodyLimits& limits, const Pace& body_pace);
  /// The request is refused before its framing is known; the answer to a HEAD has no body all the same.
  void refuse(http::Method asked) { asked_ = asked; }

  [[nodiscard]] BodySource& request_body() override { return body_; }
  Task<Result<>> send_interim(http::ResponseHead& head) override;
  Task<Result<>> send_response(http::ResponseHead& head, BodySource& body) override;
  Task<Result<TunnelEnd>> open_tunnel(http::ResponseHead& head) override;
  Task<> left() override;
  void close_after() override { keep_alive_ = false; }
  void cut() override {
    finished_ = false;
    stream_.reset_on_close();
  }
  [[nodiscard]] bool receiving() const override { return !body_.complete(); }
  [[nodiscard]] bool answered() const override { return answered_ || pump_.torn(); }
  [[nodiscard]] std::uint64_t bytes_sent() const override { return pump_.sent(); }

  /// After the exchange: another request may follow on this connection.
  [[nodiscard]] bool keep_alive() const { return finished_ && keep_alive_ && body_.complete(); }
  /// After the exchange: a whole response went out, so closing may linger; otherwise the connection is just cut.
  [[nodiscard]] bool finished() const { return finished_; }
  /// The request's body was longer than what had come with the head.
  [[nodiscard]] bool has_read() const { return body_.has_read(); }
  /// Puts the bytes of the request's body aside, so that the buffer begins with what follows.
  void settle() { body_.release_piece(); }

 private:
  [[nodiscard]] http1::Framing frame(const http::ResponseHead& head, const BodySource& body);

  Loop& loop_;
  ByteStream& stream_;
  Buffer& in_;
  Http1Body body_;
  Http1Pump pump_;
  http::Version version_ = http::Version::kHttp10;
  http::Method asked_ = http::Method::kGet;
  bool asked_keep_alive_ = false;
  bool keep_alive_ = false;
  bool answered_ = false;
  bool finished_ = false;
};

}  // namespace sluice::worker
