// See http2_stream.h.
#include "worker/onramp/http2_stream.h"

#include <algorithm>
#include <cstring>

#include "proto/http/ascii.h"
#include "proto/http/semantics.h"
#include "worker/tls/websocket_key.h"

namespace sluice::worker {
namespace {
constexpr std::size_t kTunnelPiece = std::size_t{16} * 1024;  // of a tunnel: so much waits to be put into frames

// However the sending of a body ends, cancelled too: what was offered belongs to its source, and may be gone next.
class Withdrawal {
 public:
  explicit Withdrawal(http2::Stream& stream) : stream_(stream) {}
  Withdrawal(Withdrawal&&) = delete;
  ~Withdrawal() {
    if (!stream_.taken()) http2::ServerSession::withdraw(stream_);
  }

 private:
  http2::Stream& stream_;
};
}  // namespace

void Http2Stream::begin(const Pace& body_pace, std::uint64_t body_limit, const Pace& pace) {
  arriving_ = Patience(body_pace);
  body_limit_ = body_limit;
  leaving_ = Patience(pace);
  patience_ = pace.progress;
}

void Http2Stream::changed() {
  input_.set();
  if (!tunnels_) {
    if (taken() || closed()) space_.set();
    return;
  }
  if (!taken() && !closed()) return;
  out_.release();
  space_.set();
}

Error Http2Stream::reset_error() const {
  return Error(Code::kReset, "the client reset the stream: " + std::string(http2::name(error()))).from(Side::kClient);
}

void Http2Stream::submit(std::string_view piece, http2::Last last, const http::Fields* trailers) {
  output_.session().offer(*this, piece, last, trailers);
  output_.wake_writer();
}

// Time counts against the client only while its windows are closed, or nothing at all leaves on its connection: a
// stream may have to wait for more urgent ones. Where it is the connection's window that is closed, what the client
// takes on all its streams counts, as it cannot choose which of them it goes to.
Task<Result<>> Http2Stream::until_taken() {
  const http2::ServerSession& session = output_.session();
  bool excused = false;
  while (!taken()) {
    if (closed()) co_return fail(reset_error());
    space_.clear();
    const Nanos since = loop_.now();
    const std::uint64_t all_before = session.data_sent();
    const std::uint64_t before = sent();
    const std::uint64_t data_before = data_sent();
    const Deadline deadline = excused ? loop_.in(patience_) : leaving_.deadline(since);
    const Wake wake = co_await space_.wait(loop_, deadline);
    const std::uint64_t own = data_sent() - data_before;
    const std::uint64_t others = session.data_sent() - all_before - own;
    const bool willing = session.window_open(*this);
    excused = others != 0 && willing && session.connection_window_open();
    const std::uint64_t moved = sent() - before + (willing ? others : 0);
    if (!excused) leaving_.waited(loop_.now() - since, moved);
    if (wake == Wake::kReady || excused || moved != 0) continue;
    co_return fail(Error(Code::kTimeout, "the client takes too few bytes").from(Side::kClient));
  }
  if (closed() && !finished()) co_return fail(reset_error());
  co_return Result<>();
}

Task<Result<>> Http2Stream::send_interim(http::ResponseHead& head) {
  if (answered_ || closed()) co_return Result<>();
  http1::declare_framing(head, this->head().method(), http1::Framing::none());
  output_.session().interim(*this, head);
  output_.wake_writer();
  Result<> done = co_await until_taken();
  co_return done;
}

Task<Result<>> Http2Stream::send_response(http::ResponseHead& head, BodySource& body) {
  if (closed()) co_return fail(reset_error());
  // a 2xx would open the tunnel that the origin has not agreed to (RFC 8441 section 5)
  if (!key_.empty() && http::is_successful(head.status()))
    co_return fail(Error(Code::kBadSyntax, "the origin answered without switching to WebSocket").from(Side::kOrigin));
  http2::ServerSession& session = output_.session();
  http1::Framing framing = http1::Framing::until_close();  // no field says more than the frames do
  if (this->head().method() == http::Method::kHead || http::has_no_body(head.status())) {
    framing = http1::Framing::none();
  } else if (const auto length = body.length()) {
    framing = http1::Framing::of_length(*length);
  }
  http1::declare_framing(head, this->head().method(), framing);
  answered_ = true;
  if (framing.empty()) {
    session.answer(*this, head, http2::Last::kYes);
    output_.wake_writer();
    Result<> done = co_await until_taken();
    co_return done;
  }
  session.answer(*this, head, http2::Last::kNo);
  output_.wake_writer();
  const Withdrawal withdrawal(*this);
  for (;;) {
    std::optional<Piece> piece = body.ready();
    if (!piece) {
      const Result<Piece> waited = co_await body.next();
      if (!waited) co_return fail(waited.error());
      piece = *waited;
    }
    if (piece->bytes.empty() && !piece->last) continue;
    submit(piece->bytes, piece->last ? http2::Last::kYes : http2::Last::kNo, piece->last ? body.trailers() : nullptr);
    Result<> done = co_await until_taken();
    if (!done || piece->last) co_return done;
  }
}

// Cancelled with the exchange when the client takes its request back: there is nothing to wait for here.
Task<> Http2Stream::left() {
  co_await loop_.until(Deadline::never());
}

std::optional<Piece> Http2Stream::ready() {
  if (release_body()) output_.wake_writer();  // the credit
  if (error_) return std::nullopt;
  if (closed() && !ended()) {  // torn, whatever of it waits: the origin must not take it for whole
    error_ = reset_error();
    return std::nullopt;
  }
  if (!has_body() && !ended()) return std::nullopt;
  const std::string_view bytes = take_body();
  passed_ += bytes.size();
  arriving_.waited(Nanos(0), bytes.size());
  const bool last = ended() && !has_body();
  if (passed_ > body_limit_) {
    error_ = http::as_error(http::Fault::kBodyTooLarge, Side::kClient);
  } else if (const auto whole = length(); whole && (passed_ > *whole || (last && passed_ < *whole))) {
    error_ = http::as_error(http::Fault::kBodyCutShort, Side::kClient);  // the session has looked, too
  }
  if (error_) return std::nullopt;
  return Piece{.bytes = bytes, .last = last || (length() && passed_ == *length())};
}

Task<Result<Piece>> Http2Stream::next() {
  for (;;) {
    input_.clear();
    const std::optional<Piece> piece = ready();
    if (piece) co_return *piece;
    if (error_) co_return fail(*error_);
    const Nanos since = loop_.now();
    const Wake wake = co_await input_.wait(loop_, arriving_.deadline(since));
    arriving_.waited(loop_.now() - since, 0);
    if (wake == Wake::kTimeout)
      co_return fail(Error(Code::kTimeout, "the body arrives too slowly").from(Side::kClient));
  }
}

std::optional<std::uint64_t> Http2Stream::length() const {
  return framing().known_length();
}

bool Http2Stream::begin_websocket() {
  if (!http::equal_ignore_case(protocol(), "websocket")) return false;
  key_ = websocket_key();
  head().fields().set(http::FieldId::kSecWebsocketKey, key_);
  return true;
}

// The origin's 101 becomes a 200, once it has shown that it understood.
Result<> Http2Stream::finish_websocket(http::ResponseHead& head) const {
  http::Fields& fields = head.fields();
  if (fields.find(http::FieldId::kSecWebsocketAccept) != websocket_accept(key_))
    return fail(Error(Code::kBadSyntax, "a Sec-WebSocket-Accept that does not fit").from(Side::kOrigin));
  for (const http::FieldId id :
       {http::FieldId::kConnection, http::FieldId::kUpgrade, http::FieldId::kSecWebsocketAccept})
    fields.remove(id);
  head.set_status(200);
  return {};
}

Task<Result<TunnelEnd>> Http2Stream::open_tunnel(http::ResponseHead& head) {
  if (closed()) co_return fail(reset_error());
  if (!key_.empty())
    if (Result<> agreed = finish_websocket(head); !agreed) co_return fail(std::move(agreed.error()));
  http1::declare_framing(head, this->head().method(), http1::Framing::none());
  answered_ = true;
  output_.session().open_tunnel(*this, head);
  output_.wake_writer();
  Result<> done = co_await until_taken();
  if (!done) co_return fail(std::move(done.error()));
  tunnels_ = true;
  input_.set();
  space_.set();
  co_return TunnelEnd{.stream = *this, .early = early_};
}

sys::Io Http2Stream::read(std::span<char> into) {
  if (read_.empty()) {
    if (release_body()) output_.wake_writer();
    if (has_body()) read_ = take_body();
  }
  if (!read_.empty()) {
    const std::size_t taken = std::min(into.size(), read_.size());
    std::memcpy(into.data(), read_.data(), taken);
    read_.remove_prefix(taken);
    if (!read_.empty()) return {.kind = sys::Io::Kind::kDone, .bytes = taken};
    // at once, not with the next read: when it was all that the window let through, nothing else comes before
    if (release_body()) output_.wake_writer();
    if (!has_body() && !ended()) input_.clear();
    return {.kind = sys::Io::Kind::kDone, .bytes = taken};
  }
  if (closed() && (!ended() || error() != http2::ErrorCode::kNoError))
    return {.kind = sys::Io::Kind::kFailed, .error = ECONNRESET};
  if (ended()) return {.kind = sys::Io::Kind::kDone, .bytes = 0};
  input_.clear();
  return {.kind = sys::Io::Kind::kAgain};
}

sys::Io Http2Stream::write(std::span<const iovec> from) {
  if (closed()) return {.kind = sys::Io::Kind::kFailed, .error = ECONNRESET};
  if (!taken() || shut_) {
    space_.clear();
    return {.kind = sys::Io::Kind::kAgain};
  }
  std::size_t taken = 0;
  out_.clear();
  for (const iovec& piece : from) {
    const std::size_t part = std::min(piece.iov_len, kTunnelPiece - taken);
    out_.append({static_cast<const char*>(piece.iov_base), part});
    taken += part;
    if (part < piece.iov_len) break;
  }
  if (taken == 0) return {.kind = sys::Io::Kind::kDone, .bytes = 0};
  space_.clear();
  submit(out_.view(), http2::Last::kNo, nullptr);
  return {.kind = sys::Io::Kind::kDone, .bytes = taken};
}

void Http2Stream::shutdown_write() {
  if (shut_ || closed()) return;
  shut_ = true;
  output_.session().end_tunnel(*this);
  output_.wake_writer();
}

Task<> Http2Stream::settle() {
  if (!shut_ || cut_) co_return;
  const Result<> done = co_await until_taken();
  static_cast<void>(done);  // what it failed with is what the reset says
}

}  // namespace sluice::worker
