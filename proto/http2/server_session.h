// ServerSession: our end of an HTTP/2 connection to a client (RFC 9113), sans I/O: bytes in by feed(), requests out by
// arrived(), answers in by answer() and offer(), bytes out by fill(). On nghttp2, which does frames, HPACK, the state
// of streams, windows, and the order of what is sent (RFC 9218); budgets against floods, limits of heads and everything
// a request must be to the rest of the proxy are ours.
//
// nghttp2's callbacks write facts into streams and call Stream::changed(), nothing else. feed() and fill() must not be
// called from there. Streams belong to the session; who serves one says drop() when it is done with it. One owner: the
// on-ramp's session.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "proto/http2/flood.h"
#include "proto/http2/frame_watch.h"
#include "proto/http2/stream.h"

struct nghttp2_session;

namespace sluice::http2 {

struct SessionLimits {
  HeadLimits head;
  std::uint32_t trailers = 8 * 1024;  ///< bytes of the trailer section
  std::uint32_t trailer_fields = 32;
  std::uint32_t streams = 128;                   ///< open at the same time
  std::uint32_t stream_window = 64 * 1024;       ///< bytes of a body that may wait for who reads it
  std::uint32_t connection_window = 256 * 1024;  ///< and of all bodies of the connection
};

class ServerSession {
 public:
  using MakeStream = std::function<std::unique_ptr<Stream>()>;
  ServerSession(const SessionLimits& limits, MakeStream make, Nanos now);
  ServerSession(ServerSession&&) = delete;
  ~ServerSession();

  /// Takes what the client has sent, the preface first. What it comes to is in next_arrived(), next_gone() and the
  /// streams.
  void feed(std::string_view bytes, Nanos now);
  /// The next request whose fields have come; null when there is none.
  [[nodiscard]] Stream* next_arrived() { return next_of(arrived_); }
  /// The next stream that the client, or an error of its, has ended before its answer was: to be given up and dropped.
  [[nodiscard]] Stream* next_gone() { return next_of(gone_); }

  /// An interim response.
  void interim(Stream& stream, const http::ResponseHead& head);
  /// The final response. `last`: it has no body. Otherwise the body is offer()ed.
  void answer(Stream& stream, const http::ResponseHead& head, Last last);
  /// The final response to CONNECT: both directions go on for as long as each wants, bytes are offer()ed.
  void open_tunnel(Stream& stream, const http::ResponseHead& head);
  /// The next piece of the body, once the last one has been taken; it stays where it is until it has been taken.
  /// `trailers` go behind the last piece.
  void offer(Stream& stream, std::string_view piece, Last last, const http::Fields* trailers);
  /// What was offered and has not been taken is gone: the answer will not be whole.
  static void withdraw(Stream& stream);
  /// Nothing follows what was offered.
  void end_tunnel(Stream& stream);
  /// Ends the stream before its end.
  void reset(Stream& stream, ErrorCode why);
  /// Who serves it is done with it; it is destroyed. An answer that is not whole is reset with `why`.
  void drop(Stream& stream, ErrorCode why);

  /// A request was answered with what is wrong with it: work that no limit of requests counts.
  void count_refusal();
  /// Puts what is to be sent into `out`, as long as that holds less than a block; false when there was nothing.
  bool fill(Buffer& out, Nanos now);
  /// The client's window leaves room for data on this stream; that of the connection may not.
  [[nodiscard]] bool window_open(const Stream& stream) const;
  [[nodiscard]] bool connection_window_open() const;

  /// The client may open no more streams, and is told with a GOAWAY that lets all through that are on their way; then
  /// pinged, to know when it has been heard (RFC 9113 section 6.8).
  void announce_end();
  /// The answer to that ping has come.
  [[nodiscard]] bool end_heard() const { return end_heard_; }
  /// The GOAWAY that names the last stream. What is open goes on.
  void end();
  /// GOAWAY, and nothing goes on.
  void abort(ErrorCode why);

  /// Nothing comes of the client's bytes any more: flush and close.
  [[nodiscard]] bool over() const;
  /// Why, when the client has broken the rules.
  [[nodiscard]] std::optional<Flood> flood() const { return flood_; }
  /// Why, in nghttp2's words; empty when it has not.
  [[nodiscard]] std::string_view broken() const { return broken_; }
  /// Streams that live.
  [[nodiscard]] std::size_t streams() const { return streams_.size(); }
  [[nodiscard]] Stream& stream(std::size_t index) const { return *streams_[index]; }
  /// Control frames that wait to be sent: many of them, and the client is not reading.
  [[nodiscard]] std::size_t backlog() const;
  /// A block of fields has begun and not ended.
  [[nodiscard]] bool in_block() const { return watch_.in_block(); }
  /// Streams that the client has been told we do not take as they are.
  [[nodiscard]] std::uint64_t malformed() const { return malformed_; }
  /// Bytes of DATA that have been put into frames.
  [[nodiscard]] std::uint64_t data_sent() const { return data_sent_; }

 private:
  friend class Stream;
  friend struct Callbacks;
  void ruin(Flood flood);
  void ruin(std::string_view why);
  void submit_head(Stream& stream, const http::ResponseHead& head, std::uint8_t flags);
  void submit_answer(Stream& stream, const http::ResponseHead& head, Last last);
  void give_credit(Stream& stream, std::size_t bytes);
  [[nodiscard]] bool return_connection_credit();
  void remove(Stream& stream);
  [[nodiscard]] static Stream* next_of(std::vector<Stream*>& streams);
  void settle();
  [[nodiscard]] Stream* find(std::int32_t id) const;

  nghttp2_session* session_ = nullptr;
  SessionLimits limits_;
  MakeStream make_;
  FloodGuard guard_;
  FrameWatch watch_;
  Nanos now_;
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<Stream*> arrived_;
  std::vector<Stream*> gone_;
  std::vector<Stream*> dead_;              // closed before anybody was told of them
  std::vector<std::int32_t> prioritized_;  // streams that a PRIORITY_UPDATE was about before they were opened
  Buffer* out_ = nullptr;                  // while fill() runs
  std::optional<Flood> flood_;
  std::optional<Flood> noticed_;  // inside nghttp2, which may not be told to end there
  std::string_view broken_;
  std::uint64_t block_bytes_ = 0;  // unpacked, of the block of fields under way
  std::uint64_t malformed_ = 0;
  std::uint64_t data_sent_ = 0;
  std::uint64_t held_ = 0;         // bytes of bodies that wait for who reads them
  std::uint64_t window_ = 65'535;  // of the connection, all that the client has ever been given
  bool bomb_ = false;              // that block has been counted
  bool aborted_ = false;
  bool end_heard_ = false;
};

}  // namespace sluice::http2
