// Http2Session: a client connection that speaks HTTP/2, over any ByteStream. Each request is an exchange in a task of
// its own; all of them write through one block of 32 KiB, in the order that the session in proto/http2 chooses.
//
// Two coroutines besides the exchanges: run() reads, serves what has arrived and gives up what the client has taken
// back; write() waits for something to send, lets everybody who is ready in this turn of the loop add to it, and
// writes. Owned by the acceptor's task for the connection.
#pragma once
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/scope.h"
#include "proto/http2/server_session.h"
#include "worker/flow/client_connection.h"
#include "worker/flow/stream.h"
#include "worker/onramp/http2_stream.h"
#include "worker/services.h"

namespace sluice::worker {

class Http2Session final : public Streams, public Http2Output {
 public:
  Http2Session(const Services& services, EndpointIndex endpoint, ClientConnection& connection, ByteStream& stream);
  ~Http2Session() override;

  /// Serves the connection to its end. `read` holds what has been read of it already, the preface first; it is emptied.
  Task<> run(Buffer& read);

  // Streams
  void mark_open() override;
  void forget_marks() override;
  void cut() override;
  [[nodiscard]] bool receiving() const override;
  void wind_down() override;

  // Http2Output
  [[nodiscard]] http2::ServerSession& session() override { return session_; }
  void wake_writer() override { to_send_.set(); }

 private:
  Task<> write();
  Task<Result<>> write_out(Patience& patience);
  Task<> serve(Http2Stream& stream);
  Task<> farewell();
  void take(std::string_view bytes);
  void tidy();
  [[nodiscard]] bool drained() const;
  [[nodiscard]] bool only_tunnels() const;
  void show_state();
  void look_at_end();
  [[nodiscard]] Deadline deadline() const;
  void timed_out();
  void log_end();
  [[nodiscard]] const ipc::HttpSettings& settings() const;
  void wake_reader() { stream_.readable().set(); }

  const Services& services_;
  EndpointIndex endpoint_;
  ClientConnection& connection_;
  ByteStream& stream_;
  http2::ServerSession session_;
  Buffer in_;
  Buffer out_;
  Signal to_send_;
  Signal sent_;                     // the writer has got something out
  std::vector<Http2Stream*> done_;  // served, and to be dropped by somebody else than themselves
  Nanos since_;                     // when the wait for the client's next bytes began
  Nanos block_since_;               // when the block of fields under way began
  Nanos told_{0};                   // when the first GOAWAY was sent
  enum class Ending : std::uint8_t { kNone, kAsked, kAnnounced, kNamed } ending_ = Ending::kNone;
  bool failed_ = false;  // nothing can be written any more
  Scope writer_;
};

}  // namespace sluice::worker
