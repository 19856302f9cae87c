// See http2_exchange.h.
#include "worker/offramp/http2_exchange.h"

#include "base/check.h"

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
  if (taken() || closed()) space_.set();
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
  origin_.session().ask(*this, head, origin_.secure() ? "https" : "http", empty ? http2::Last::kYes : http2::Last::kNo);
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
    if (!error && take_head(head)) co_return Result<>();
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
  switch (framing_.kind) {
    case http1::Framing::Kind::kNone:
      return 0;
    case http1::Framing::Kind::kLength:
      return framing_.length;
    case http1::Framing::Kind::kChunked:
    case http1::Framing::Kind::kUntilClose:
      return std::nullopt;
  }
  return std::nullopt;
}

TunnelEnd Http2Exchange::tunnel() {
  SLUICE_CHECK(false, "an origin switched protocols over HTTP/2");
  std::abort();
}

}  // namespace sluice::worker
