// See http2_exchange.h.
#include "worker/offramp/http2_exchange.h"

#include <algorithm>
#include <cstring>

#include "worker/tls/websocket_key.h"

namespace sluice::worker {

Http2Exchange::~Http2Exchange() {
  background_.cancel();
  if (!asked_) return;
  http2::ClientSession::withdraw(*this);
  origin_.session().drop(*this, http2::ErrorCode::kCancel);
  origin_.wake_writer();
}

void Http2Exchange::changed() {
  input_.set();
  if (!taken() && !closed()) return;
  if (tunnels_) out_.release();
  space_.set();
}

// RFC 9113 section 8.7: what the origin refused, or said goodbye before, it has not looked at; and what has not left us
// it has not seen.
std::optional<Error> Http2Exchange::lost() const {
  if (const std::optional<http::Fault> wrong = fault()) return http::as_error(*wrong, Side::kOrigin);
  if (malformed()) return Error(Code::kBadSyntax, "an answer that HTTP/2 does not allow").from(Side::kOrigin);
  if (closed() && error() == http2::ErrorCode::kRefusedStream) {
    const bool leaves = origin_.retired();
    return Error(leaves ? Code::kClosed : Code::kOverload, "the origin refused the stream")
        .from(Side::kOrigin)
        .retry(Retry::kUnprocessed);
  }
  if (closed() && !ended()) {
    return Error(Code::kReset, "the origin reset the stream: " + std::string(http2::name(error())))
        .from(Side::kOrigin)
        .retry(head_sent() ? Retry::kNo : Retry::kUnprocessed);
  }
  if (!origin_.failure() || ended()) return std::nullopt;
  const Retry retry = answering() ? Retry::kNo : Retry::kIfReused;
  return Error(*origin_.failure()).retry(head_sent() ? retry : Retry::kUnprocessed);
}

Task<Result<>> Http2Exchange::send(const http::RequestHead& head, http::TargetForm, BodySource* body,
                                   const http1::Framing& framing) {
  const bool empty = body == nullptr || framing.empty();
  origin_.connection().begin_request();
  asked_ = true;
  const std::string_view scheme = origin_.secure() ? "https" : "http";
  const http::Fields& fields = head.fields();
  if (empty && head.method() == http::Method::kGet && fields.has(http::FieldId::kUpgrade) &&
      fields.has(http::FieldId::kSecWebsocketKey) && origin_.session().allows_connect()) {
    key_ = *fields.find(http::FieldId::kSecWebsocketKey);
    origin_.session().connect(*this, head, scheme);
    origin_.wake_writer();
    co_return Result<>();
  }
  origin_.session().ask(*this, head, scheme, empty ? http2::Last::kYes : http2::Last::kNo);
  origin_.wake_writer();
  if (!empty) {
    uploading_ = true;
    background_.spawn([this, body] { return upload(*body); });
  }
  co_return Result<>();
}

Task<> Http2Exchange::upload(BodySource& body) {
  for (;;) {
    std::optional<Piece> piece = body.ready();
    if (!piece) {
      const Result<Piece> waited = co_await body.next();
      if (!waited) {
        abandon(waited.error());
        co_return;
      }
      piece = *waited;
    }
    if (piece->bytes.empty() && !piece->last) continue;
    origin_.session().offer(*this, piece->bytes, piece->last ? http2::Last::kYes : http2::Last::kNo,
                            piece->last ? body.trailers() : nullptr);
    origin_.wake_writer();
    Result<> done = co_await until_taken();
    if (!done) {
      // an origin that takes no more may still have answered: only the client's failure ends the reading of that
      http2::ClientSession::withdraw(*this);
      failed_ = std::move(done.error());
      uploaded_ = origin_.loop().now();
      co_return;
    }
    if (!piece->last) continue;
    uploading_ = false;
    uploaded_ = origin_.loop().now();
    co_return;
  }
}

Task<Result<>> Http2Exchange::until_taken() {
  while (!taken()) {
    if (std::optional<Error> error = lost()) co_return fail(std::move(*error));
    if (closed()) co_return fail(Error(Code::kClosed, "the origin wants no more of the body").from(Side::kOrigin));
    space_.clear();
    const std::uint64_t before = sent();
    const Wake wake = co_await space_.wait(origin_.loop(), origin_.loop().in(timeouts_.write));
    if (wake == Wake::kTimeout && sent() == before)
      co_return fail(Error(Code::kTimeout, "the origin takes too few bytes").from(Side::kOrigin));
  }
  co_return Result<>();
}

void Http2Exchange::abandon(Error error) {
  failed_ = std::move(error);
  input_.set();
}

Task<Result<>> Http2Exchange::read_head(http::ResponseHead& head) {
  Loop& loop = origin_.loop();
  Deadline deadline = loop.in(timeouts_.first_byte);
  for (;;) {
    input_.clear();
    std::optional<Error> error;
    if (fault() || malformed()) error = lost();
    if (!error && take_head(head)) {
      if (!key_.empty() && http::is_successful(head.status())) agree(head);
      co_return Result<>();
    }
    if (!error && failed_ && failed_->side() != Side::kOrigin) error = failed_;
    if (!error) error = lost();
    if (!error && ended())
      error = Error(Code::kBadSyntax, "the origin ended the stream without an answer").from(Side::kOrigin);
    if (!error) {
      const Wake wake = co_await input_.wait(loop, deadline);
      if (wake == Wake::kReady) continue;
      const Nanos ended =
          uploading_ && !failed_ ? loop.now() : uploaded_;  // the clock runs from the end of the request
      deadline = Deadline(ended + timeouts_.first_byte);
      if (ended + timeouts_.first_byte > loop.now()) continue;
      error = Error(Code::kTimeout, "the origin did not answer in time").from(Side::kOrigin);
    }
    forget_head();
    co_return fail(std::move(*error));
  }
}

Result<> Http2Exchange::begin_body(const http::ResponseHead& head, const http::ConnectionFacts&, http::Method asked) {
  const auto framing = http1::response_framing(head, asked);
  if (!framing) return fail(http::as_error(framing.error(), Side::kOrigin));
  framing_ = *framing;
  if (framing_.kind == http1::Framing::Kind::kUntilClose && ended() && !has_body() && trailers() == nullptr)
    framing_ = http1::Framing::of_length(0);
  return {};
}

std::optional<Piece> Http2Exchange::ready() {
  if (release_body()) origin_.wake_writer();  // the credit
  if (error_) return std::nullopt;
  if (framing_.kind == http1::Framing::Kind::kNone) return Piece{.bytes = {}, .last = true};
  if (fault() || malformed() || (!has_body() && !ended())) {
    error_ = lost();
    return std::nullopt;
  }
  const std::string_view bytes = take_body();
  passed_ += bytes.size();
  const bool last = ended() && !has_body();
  if (const auto whole = length(); whole && (passed_ > *whole || (last && passed_ < *whole))) {
    error_ = http::as_error(http::Fault::kBodyCutShort, Side::kOrigin);  // the session has looked, too
    return std::nullopt;
  }
  return Piece{.bytes = bytes, .last = last};
}

Task<Result<Piece>> Http2Exchange::next() {
  Loop& loop = origin_.loop();
  for (;;) {
    input_.clear();
    const std::optional<Piece> piece = ready();
    if (piece) co_return *piece;
    if (error_) co_return fail(*error_);
    const Wake wake = co_await input_.wait(loop, arriving_.deadline(loop.now()));
    if (wake == Wake::kTimeout) co_return fail(Error(Code::kTimeout, "nothing arrived in time").from(Side::kOrigin));
  }
}

std::optional<std::uint64_t> Http2Exchange::length() const {
  return framing_.known_length();
}

// The origin's 2xx as the 101 that the exchange waits for.
void Http2Exchange::agree(http::ResponseHead& head) {
  http::Fields& fields = head.fields();
  head.set_status(101);
  fields.set(http::FieldId::kConnection, "upgrade");
  fields.set(http::FieldId::kUpgrade, "websocket");
  fields.set(http::FieldId::kSecWebsocketAccept, websocket_accept(key_));
}

TunnelEnd Http2Exchange::tunnel() {
  tunnels_ = true;
  input_.set();
  space_.set();
  return {.stream = *this, .early = early_};
}

Task<> Http2Exchange::finish_tunnel() {
  if (!shut_) co_return;
  const Result<> done = co_await until_taken();
  static_cast<void>(done);  // it has ended as far as anybody cares
}

sys::Io Http2Exchange::read(std::span<char> into) {
  if (read_.empty()) {
    if (release_body()) origin_.wake_writer();
    if (has_body()) read_ = take_body();
  }
  if (!read_.empty()) {
    const std::size_t taken = std::min(into.size(), read_.size());
    std::memcpy(into.data(), read_.data(), taken);
    read_.remove_prefix(taken);
    if (!read_.empty()) return {.kind = sys::Io::Kind::kDone, .bytes = taken};
    // at once, not with the next read: when it was all that the window let through, nothing else comes before
    if (release_body()) origin_.wake_writer();
    if (!has_body() && !ended() && !gone()) input_.clear();
    return {.kind = sys::Io::Kind::kDone, .bytes = taken};
  }
  if (gone()) return {.kind = sys::Io::Kind::kFailed, .error = ECONNRESET};
  if (ended()) return {.kind = sys::Io::Kind::kDone, .bytes = 0};
  input_.clear();
  return {.kind = sys::Io::Kind::kAgain};
}

sys::Io Http2Exchange::write(std::span<const iovec> from) {
  constexpr std::size_t kPiece = std::size_t{16} * 1024;  // so much waits to be put into frames
  if (closed() || origin_.failure()) return {.kind = sys::Io::Kind::kFailed, .error = ECONNRESET};
  if (!taken() || shut_) {
    space_.clear();
    return {.kind = sys::Io::Kind::kAgain};
  }
  std::size_t taken = 0;
  out_.clear();
  for (const iovec& piece : from) {
    const std::size_t part = std::min(piece.iov_len, kPiece - taken);
    out_.append({static_cast<const char*>(piece.iov_base), part});
    taken += part;
    if (part < piece.iov_len) break;
  }
  if (taken == 0) return {.kind = sys::Io::Kind::kDone, .bytes = 0};
  space_.clear();
  origin_.session().offer(*this, out_.view(), http2::Last::kNo, nullptr);
  origin_.wake_writer();
  return {.kind = sys::Io::Kind::kDone, .bytes = taken};
}

void Http2Exchange::shutdown_write() {
  if (shut_ || closed()) return;
  shut_ = true;
  origin_.session().end_tunnel(*this);
  origin_.wake_writer();
}

}  // namespace sluice::worker
