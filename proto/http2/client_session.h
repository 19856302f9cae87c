// ClientSession: our end of an HTTP/2 connection to an origin (RFC 9113), sans I/O: requests in by ask() and offer(),
// bytes out by fill(), bytes in by feed(), answers in the streams. On nghttp2; limits of heads and budgets against an
// origin that floods are ours.
//
// The connection's window never holds anybody up: its credit goes back as bytes come, and what may wait is bounded by
// the stream's window, so that one client who does not read stops nobody but itself. nghttp2's callbacks write facts
// into streams and call ClientStream::changed(), nothing else. One owner: the connection's object in the pool.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "proto/http2/client_stream.h"
#include "proto/http2/flood.h"
#include "proto/http2/frame_watch.h"

struct nghttp2_session;

namespace sluice::http2 {

struct ClientLimits {
  std::uint32_t head = 32 * 1024;  ///< bytes of an answer's head
  std::uint32_t fields = 100;
  std::uint32_t trailers = 8 * 1024;  ///< bytes of the trailer section
  std::uint32_t trailer_fields = 32;
  std::uint32_t stream_window = 64 * 1024;  ///< bytes of a body that may wait for who reads it
};

class ClientSession {
 public:
  ClientSession(const ClientLimits& limits, Nanos now);
  ClientSession(ClientSession&&) = delete;
  ~ClientSession();

  /// Sends a request on a new stream. `head` has been prepared: hop-by-hop fields gone, framing declared; what belongs
  /// to HTTP/1 is left out here. `last`: it has no body. Otherwise the body is offer()ed. Lifetime: `stream` until
  /// drop(), `scheme` now.
  void ask(ClientStream& stream, const http::RequestHead& head, std::string_view scheme, Last last);
  /// The same for an extended CONNECT (RFC 8441), which `head` says as the GET with Upgrade that it would be in
  /// HTTP/1.1; an answer of 2xx opens the tunnel, and bytes are offer()ed. Only when allows_connect().
  void connect(ClientStream& stream, const http::RequestHead& head, std::string_view scheme);
  /// Nothing follows what was offered.
  void end_tunnel(ClientStream& stream);
  /// The next piece of the body, once the last one has been taken; it stays where it is until it has been taken.
  /// `trailers` go behind the last piece.
  void offer(ClientStream& stream, std::string_view piece, Last last, const http::Fields* trailers);
  /// What was offered and has not been taken is gone: the request will not be whole.
  static void withdraw(ClientStream& stream);
  /// Who asked is done with it. What is not over is reset with `why`.
  void drop(ClientStream& stream, ErrorCode why);

  /// Takes what the origin has sent.
  void feed(std::string_view bytes, Nanos now);
  /// Puts what is to be sent into `out`, as long as that holds less than a block; false when there was nothing.
  bool fill(Buffer& out, Nanos now);
  /// Something is to be sent.
  [[nodiscard]] bool wants_to_send() const;
  /// A sign of life is asked for.
  void ping();
  /// We are leaving.
  void end();

  /// The origin has sent its SETTINGS: what it allows is known.
  [[nodiscard]] bool settled() const { return settled_; }
  /// Streams that the origin lets us have open at the same time.
  [[nodiscard]] std::uint32_t most_streams() const;
  /// It takes extended CONNECT.
  [[nodiscard]] bool allows_connect() const;
  /// It takes no new streams (GOAWAY), or nothing comes of its bytes any more.
  [[nodiscard]] bool leaving() const { return leaving_ || over(); }
  [[nodiscard]] bool over() const;
  /// Why, when the origin has broken the rules.
  [[nodiscard]] std::optional<Flood> flood() const { return flood_; }
  /// Why, in nghttp2's words; empty when it has not.
  [[nodiscard]] std::string_view broken() const { return broken_; }
  /// Streams that live.
  [[nodiscard]] std::size_t streams() const { return streams_.size(); }
  [[nodiscard]] ClientStream& stream(std::size_t index) const { return *streams_[index]; }
  /// Control frames that wait to be sent: many of them, and the origin is not reading.
  [[nodiscard]] std::size_t backlog() const;

 private:
  friend class ClientStream;
  friend struct ClientCallbacks;
  void submit(ClientStream& stream, const http::RequestHead& head, std::string_view scheme, std::string_view protocol,
              Last last);
  void ruin(Flood flood);
  void ruin(std::string_view why);
  void abort(ErrorCode why);
  [[nodiscard]] ClientStream* find(std::int32_t id) const;
  bool give_credit(ClientStream& stream, std::size_t bytes);

  ClientLimits limits_;
  nghttp2_session* session_ = nullptr;
  FloodGuard guard_;
  FrameWatch watch_;
  Nanos now_;
  std::vector<ClientStream*> streams_;
  Buffer* out_ = nullptr;  // while fill() runs
  std::optional<Flood> flood_;
  std::optional<Flood> noticed_;  // inside nghttp2, which may not be told to end there
  std::string_view broken_;
  std::uint64_t block_bytes_ = 0;  // unpacked, of the block of fields under way
  bool bomb_ = false;              // that block has been counted
  bool settled_ = false;
  bool leaving_ = false;
  bool aborted_ = false;
};

}  // namespace sluice::http2
