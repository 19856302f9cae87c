// Http2Stream: one request on an HTTP/2 connection, as the exchange sees it: the client's side of it, the body of the
// request, and the stream of bytes that an accepted CONNECT leaves.
//
// The session (http2_session.h) writes frames when its turn comes; here a piece is offered and its leaving awaited, so
// a client whose windows are closed holds up nobody but itself. Made by the session for each stream, which cancels it
// when the client takes its request back.
#pragma once
#include "base/loop.h"
#include "base/scope.h"
#include "ipc/connection_table.h"
#include "proto/http2/server_session.h"
#include "worker/flow/client_connection.h"
#include "worker/flow/client_side.h"
#include "worker/flow/patience.h"

namespace sluice::worker {

/// What a stream needs of its connection.
class Http2Output {
 public:
  Http2Output() = default;
  Http2Output(Http2Output&&) = delete;
  virtual ~Http2Output() = default;
  [[nodiscard]] virtual http2::ServerSession& session() = 0;
  /// Something is to be sent, credit perhaps.
  virtual void wake_writer() = 0;
};

class Http2Stream final : public http2::Stream, public ClientSide, public BodySource, public ByteStream {
 public:
  Http2Stream(Loop& loop, Http2Output& output, ipc::ConnectionSlot row)
      : loop_(loop), output_(output), came_(loop.now()), slot(std::move(row)) {}

  /// How the request's body must arrive, how much it may be, and how fast the answer must be taken.
  void begin(const Pace& body_pace, std::uint64_t body_limit, const Pace& pace);

  /// An extended CONNECT goes on as an Upgrade of HTTP/1.1 does (RFC 8441 section 5): it gets the key of one. False
  /// when it is for another protocol.
  [[nodiscard]] bool begin_websocket();

  // ClientSide
  [[nodiscard]] BodySource& request_body() override { return *this; }
  Task<Result<>> send_interim(http::ResponseHead& head) override;
  Task<Result<>> send_response(http::ResponseHead& head, BodySource& body) override;
  Task<Result<TunnelEnd>> open_tunnel(http::ResponseHead& head) override;
  void close_after() override {}  // the next request is on a stream of its own
  Task<> left() override;
  void cut() override { cut_ = true; }
  [[nodiscard]] bool gone() const override { return closed(); }
  [[nodiscard]] bool receiving() const override { return !ended() && !closed(); }
  [[nodiscard]] bool answered() const override { return answered_; }
  [[nodiscard]] std::uint64_t bytes_sent() const override { return sent(); }

  // BodySource: the request's body
  Task<Result<Piece>> next() override;
  [[nodiscard]] std::optional<Piece> ready() override;
  [[nodiscard]] std::optional<std::uint64_t> length() const override;
  [[nodiscard]] const http::Fields* trailers() const override { return http2::Stream::trailers(); }
  [[nodiscard]] std::uint64_t passed() const override { return passed_; }

  // ByteStream: of a tunnel
  [[nodiscard]] sys::Io read(std::span<char> into) override;
  [[nodiscard]] sys::Io write(std::span<const iovec> from) override;
  void shutdown_write() override;
  void reset_on_close() override { cut_ = true; }
  [[nodiscard]] Signal& readable() override { return input_; }
  [[nodiscard]] Signal& writable() override { return space_; }
  void confirm() override {}
  [[nodiscard]] bool broken() override { return closed(); }
  [[nodiscard]] bool peer_closed() const override { return ended() || closed(); }
  [[nodiscard]] int plain_socket() const override { return -1; }

  /// After the exchange: the end of a tunnel that was not cut has left.
  Task<> settle();

  /// When the first of its bytes was read.
  [[nodiscard]] Nanos came() const { return came_; }
  /// What the stream is reset with when the answer is not whole.
  [[nodiscard]] http2::ErrorCode ending() const {
    return tunnels_ ? http2::ErrorCode::kConnectError : http2::ErrorCode::kInternalError;
  }

 private:
  void changed() override;
  Task<Result<>> until_taken();
  [[nodiscard]] Error reset_error() const;
  [[nodiscard]] Result<> finish_websocket(http::ResponseHead& head) const;
  void submit(std::string_view piece, http2::Last last, const http::Fields* trailers);

  Loop& loop_;
  Http2Output& output_;
  Nanos came_;
  Signal input_;  // of the client: bytes, or the end
  Signal space_;  // what was offered has been taken
  Patience arriving_;
  Patience leaving_;
  Millis patience_{0};
  std::uint64_t body_limit_ = UINT64_MAX;
  std::uint64_t passed_ = 0;
  std::optional<Error> error_;  // of the body
  std::string_view read_;       // of a tunnel: taken from the session and not yet read
  Buffer early_;                // of a tunnel: nothing
  std::string key_;             // of a WebSocket, for its origin
  Buffer out_;                  // of a tunnel: what was written and has not been put into frames
  bool answered_ = false;
  bool cut_ = false;
  bool tunnels_ = false;
  bool shut_ = false;  // of a tunnel: nothing more will be written

 public:
  ipc::ConnectionSlot slot;  ///< shares the connection's
  Halt halt;                 ///< streams stay where they are
  Scope work;                ///< the exchange; last, so that it dies first
};

}  // namespace sluice::worker
