// Http2Exchange: one request and its response on a stream of an HTTP/2 connection to an origin, as the exchange sees
// it: the origin's side, the body of the response, and the stream of bytes that an accepted extended CONNECT leaves. To
// the exchange that one is an Upgrade, with a 101 that we make (RFC 8441 section 5).
//
// It offers pieces and waits for them to leave; the connection (http2_origin.h) writes frames when its turn comes, so
// an origin whose window is closed for one request holds up no other.
#pragma once
#include "base/scope.h"
#include "proto/http2/client_stream.h"
#include "worker/flow/origin_side.h"
#include "worker/flow/patience.h"
#include "worker/offramp/http2_origin.h"

namespace sluice::worker {

class Http2Exchange final : public OriginSide, public BodySource, public ByteStream, public http2::ClientStream {
 public:
  /// Lifetime: the connection outlives it.
  Http2Exchange(Http2Origin& origin, const OriginTimeouts& timeouts)
      : origin_(origin), timeouts_(timeouts), arriving_(Pace{.progress = timeouts.idle}) {}
  ~Http2Exchange() override;

  // OriginSide
  Task<Result<>> send(const http::RequestHead& head, http::TargetForm form, BodySource* body,
                      const http1::Framing& framing) override;
  Task<Result<>> read_head(http::ResponseHead& head) override;
  void abandon(Error error) override;
  [[nodiscard]] Result<> begin_body(const http::ResponseHead& head, const http::ConnectionFacts& facts,
                                    http::Method asked) override;
  [[nodiscard]] BodySource& response_body() override { return *this; }
  [[nodiscard]] bool upload_done() const override { return !uploading_; }
  [[nodiscard]] TunnelEnd tunnel() override;
  Task<> finish_tunnel() override;

  // ByteStream: of a tunnel
  [[nodiscard]] sys::Io read(std::span<char> into) override;
  [[nodiscard]] sys::Io write(std::span<const iovec> from) override;
  void shutdown_write() override;
  void reset_on_close() override {}  // what is not over when it is dropped is reset
  [[nodiscard]] Signal& readable() override { return input_; }
  [[nodiscard]] Signal& writable() override { return space_; }
  void confirm() override {}
  [[nodiscard]] bool broken() override { return gone(); }
  [[nodiscard]] bool peer_closed() const override { return ended(); }
  [[nodiscard]] int plain_socket() const override { return -1; }

  // BodySource: the response's body
  Task<Result<Piece>> next() override;
  [[nodiscard]] std::optional<Piece> ready() override;
  [[nodiscard]] std::optional<std::uint64_t> length() const override;
  [[nodiscard]] const http::Fields* trailers() const override { return http2::ClientStream::trailers(); }
  [[nodiscard]] std::uint64_t passed() const override { return passed_; }

  /// The connection is no more: failure() says why.
  void connection_failed() {
    input_.set();
    space_.set();
  }

 private:
  void changed() override;
  void agree(http::ResponseHead& head);
  [[nodiscard]] bool gone() const { return (closed() && !ended()) || origin_.failure().has_value(); }
  Task<> upload(BodySource& body);
  Task<Result<>> until_taken();
  /// Why nothing more will come of the stream; nothing while something may.
  [[nodiscard]] std::optional<Error> lost() const;

  Http2Origin& origin_;
  OriginTimeouts timeouts_;
  Patience arriving_;
  Signal input_;                 // of the origin: a head, bytes, or the end
  Signal space_;                 // what was offered has been taken
  std::optional<Error> failed_;  // why the upload ended early
  std::optional<Error> error_;   // of the response's body
  http1::Framing framing_;
  std::uint64_t passed_ = 0;
  std::string key_;        // of a WebSocket that has been asked for
  std::string_view read_;  // of a tunnel: taken from the session and not yet read
  Buffer early_;           // of a tunnel: nothing
  Buffer out_;             // of a tunnel: what was written and has not been put into frames
  bool tunnels_ = false;
  bool shut_ = false;  // of a tunnel: nothing more will be written
  bool asked_ = false;
  bool uploading_ = false;
  Nanos uploaded_{0};  // when that ended, however
  Scope background_;   // last: dies first, while what it uses is still there
};

}  // namespace sluice::worker
