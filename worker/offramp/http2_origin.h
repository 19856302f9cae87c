// Http2Origin: one HTTP/2 connection to an origin, shared by as many exchanges as it has room for; Http2Place: the
// right to one of its streams. The protocol is in proto/http2/client_session.h; this puts it on a connection.
//
// Two coroutines besides the exchanges: one reads, always, because what may wait is bounded by the windows of the
// streams; one waits for something to send, lets everybody who is ready in this turn of the loop add to it, and writes.
// A third asks a silent connection for a sign of life. When the connection fails, every exchange on it hears of it.
// Owned by the pool (shared_connections.h); it must outlive its streams.
#pragma once
#include <memory>
#include <optional>

#include "base/scope.h"
#include "ipc/settings/upstream_http.h"
#include "proto/http2/client_session.h"
#include "worker/offramp/origin_connection.h"

namespace sluice::worker {

class WaitingLine;

struct Http2OriginSettings {
  http2::ClientLimits limits;
  std::uint32_t streams = 100;
  Millis write_timeout{30000};
  Millis ping_interval{15000};
  Millis ping_timeout{5000};
};

class Http2Origin {
 public:
  Http2Origin(Loop& loop, std::unique_ptr<OriginConnection> connection, const Http2OriginSettings& settings);
  Http2Origin(Http2Origin&&) = delete;
  /// One that lives takes leave.
  ~Http2Origin();

  /// Begins: ends when the origin has sent its SETTINGS. Errors: whatever the connection died of; kBadSyntax when that
  /// is not HTTP/2. Nothing of a request has been sent.
  Task<Result<>> open(Deadline deadline);
  /// Whoever stands there is called when there may be more room. Lifetime: as long as the connection.
  void tell(WaitingLine& line) { line_ = &line; }

  /// Another stream may be opened.
  [[nodiscard]] bool has_room() const;
  /// Takes no new streams: it is closed when the last one has ended.
  void retire() { retired_ = true; }
  [[nodiscard]] bool retired() const { return retired_ || failure_.has_value() || session_.leaving(); }
  /// Exchanges that hold a place on it.
  [[nodiscard]] std::uint32_t users() const { return users_; }
  void join() { ++users_; }
  void leave() {
    --users_;
    idle_since = loop_.now();
  }

  [[nodiscard]] http2::ClientSession& session() { return session_; }
  void wake_writer() { to_send_.set(); }
  /// What it died of.
  [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }
  [[nodiscard]] OriginConnection& connection() { return *connection_; }
  [[nodiscard]] Loop& loop() { return loop_; }
  [[nodiscard]] bool secure() const { return connection_->tls() != nullptr; }

  Nanos idle_since;  ///< the end of the last exchange

 private:
  Task<> read();
  Task<> write();
  Task<> watch();
  Task<Result<>> write_out(Patience& patience);
  void take(std::string_view bytes);
  void die(Error error);
  [[nodiscard]] Error why_over() const;

  Loop& loop_;
  std::unique_ptr<OriginConnection> connection_;
  Http2OriginSettings settings_;
  http2::ClientSession session_;
  WaitingLine* line_ = nullptr;
  Buffer in_;
  Buffer out_;
  Signal to_send_;
  Signal sent_;     // the writer has got something out
  Signal settled_;  // or failed
  Nanos heard_;     // of the origin, the last time
  std::optional<Error> failure_;
  std::uint32_t users_ = 0;
  bool retired_ = false;
  Scope work_;
};

}  // namespace sluice::worker
