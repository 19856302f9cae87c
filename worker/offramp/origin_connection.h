// OriginConnection: one HTTP/1.1 connection to an origin, in use by one exchange or idle in the pool; OriginExchange:
// one request and its response on it. Sans policy: who may be dialled and what may be retried is decided by the caller.
//
// While it idles a connection has no buffer and nobody waits on it; anything that arrives then (an unasked answer, FIN,
// RST) sets its readable signal, and that is how the pool knows it dead without a system call. Over TLS it may also be
// something between the two TLS layers, a ticket for one, and the connection lives.
#pragma once
#include <string>
#include <utility>

#include "base/net/address.h"
#include "base/scope.h"
#include "proto/http/semantics.h"
#include "proto/http1/head_parser.h"
#include "worker/flow/http1_body.h"
#include "worker/flow/http1_pump.h"
#include "worker/flow/origin_side.h"
#include "worker/flow/socket_stream.h"
#include "worker/offramp/dial.h"
#include "worker/tls/client.h"

namespace sluice::worker {

class OriginConnection {
 public:
  OriginConnection(Loop& loop, Connected connected)
      : made(loop.now()),
        socket_(std::move(connected.fd), std::move(connected.events)),
        address_(std::move(connected.peer)),
        loop_(loop) {}
  OriginConnection(OriginConnection&&) = delete;
  /// One that idled takes leave as its protocol wants it.
  ~OriginConnection();

  /// TLS from now on, to the server that the configuration calls `host`; an introduction goes before it. Errors: those
  /// of TlsStream::handshake() and of writing. Lifetime: `host` until it is done.
  Task<Result<>> secure(std::shared_ptr<const TlsClient> client, std::string_view host,
                        std::shared_ptr<TlsSessions> sessions, Deadline deadline);
  /// What requests are written to.
  [[nodiscard]] ByteStream& stream() {
    if (tls_ != nullptr) return *tls_;
    return socket_;
  }
  /// Null without TLS.
  [[nodiscard]] const TlsStream* tls() const { return tls_.get(); }
  [[nodiscard]] Buffer& in() { return in_; }
  [[nodiscard]] Loop& loop() { return loop_; }
  [[nodiscard]] const SocketAddress& address() const { return address_; }

  // for the pool
  Nanos made;
  Nanos idle_since{0};
  Nanos idle_limit = Nanos::max();  ///< by the origin's own word; 0: not to be used again
  std::uint64_t requests = 0;       ///< that were sent on it
  /// Before the first request: what the connection begins with (worker/flow/introduce.h). It then belongs to one client
  /// and never goes back to the pool. Nothing happens when it is empty.
  void introduce(std::string introduction) {
    introduced_ = !introduction.empty();
    introduction_ = std::move(introduction);
  }
  [[nodiscard]] bool introduced() const { return introduced_; }
  [[nodiscard]] std::string take_introduction() { return std::exchange(introduction_, {}); }
  /// Called before it goes to the pool: no storage, and from now on a readable signal means dead.
  [[nodiscard]] bool settle_to_idle();
  [[nodiscard]] bool dead_while_idle();
  /// Before an orderly close: what the protocol below says then, if it can be said at once.
  void take_leave();
  /// A request is about to be sent on it.
  void begin_request() {
    ++requests;
    idle_ = false;
  }
  /// Asks the kernel what the loop may not have said yet: true while nothing has come, neither bytes nor an end.
  [[nodiscard]] bool quiet();

 private:
  SocketStream socket_;
  std::unique_ptr<TlsStream> tls_;  // over the socket
  Buffer in_;
  SocketAddress address_;
  Loop& loop_;
  std::string introduction_;
  bool introduced_ = false;
  bool idle_ = false;
};

class OriginExchange final : public OriginSide {
 public:
  /// `limits` are for the heads of responses.
  OriginExchange(OriginConnection& connection, const OriginTimeouts& timeouts, const http1::HeadLimits& limits)
      : connection_(connection),
        timeouts_(timeouts),
        parser_(limits),
        body_(connection.loop(), connection.stream(), connection.in(), Side::kOrigin),
        pump_(connection.loop(), connection.stream(), Pace{.progress = timeouts.write}, Side::kOrigin) {}

  Task<Result<>> send(const http::RequestHead& head, http::TargetForm form, BodySource* body,
                      const http1::Framing& framing) override;
  Task<Result<>> read_head(http::ResponseHead& head) override;
  void abandon(Error error) override;
  [[nodiscard]] Result<> begin_body(const http::ResponseHead& head, const http::ConnectionFacts& facts,
                                    http::Method asked) override;
  [[nodiscard]] BodySource& response_body() override { return body_; }
  [[nodiscard]] bool upload_done() const override { return !uploading_; }
  /// Both sides are complete and the origin keeps the connection open.
  [[nodiscard]] bool reusable() const {
    return keep_alive_ && !uploading_ && !failed_ && body_.complete() && !connection_.introduced();
  }
  [[nodiscard]] TunnelEnd tunnel() override { return {.stream = connection_.stream(), .early = connection_.in()}; }
  Task<> finish_tunnel() override { co_return; }
  void settle() { body_.release_piece(); }

 private:
  Task<> upload(BodySource& body, http1::Framing framing);

  OriginConnection& connection_;
  OriginTimeouts timeouts_;
  http1::ResponseParser parser_;
  Http1Body body_;
  Http1Pump pump_;
  std::optional<Error> failed_;  // why the upload ended early
  bool uploading_ = false;
  Nanos uploaded_{0};  // when that ended, however
  bool keep_alive_ = false;
  Scope background_;  // last: dies first, while what it uses is still there
};

}  // namespace sluice::worker
