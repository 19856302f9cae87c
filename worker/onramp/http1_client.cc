// See http1_client.h. The usual small response leaves in one system call: head and first piece of body are gathered.
#include "worker/onramp/http1_client.h"

#include "proto/http/semantics.h"
#include "proto/http1/writer.h"

namespace sluice::worker {

void Http1Client::begin(const http::RequestHead& request, const http::ConnectionFacts& facts,
                        const http1::Framing& framing, const http1::BodyLimits& limits, const Pace& body_pace) {
  version_ = request.version();
  asked_ = request.method();
  keep_alive_ = http::persists(facts, version_);
  asked_keep_alive_ = keep_alive_ && version_ == http::Version::kHttp10;
  body_.start(framing, limits, body_pace);
  if (in_.empty()) in_.release();  // the wait for the origin needs no buffer
}

// A client that has only ended its own direction still waits for its answer; one that has reset the connection does
// not.
Task<> Http1Client::left() {
  for (;;) {
    const Wake wake = co_await stream_.readable().wait(loop_, Deadline::never());
    static_cast<void>(wake);
    if (stream_.broken()) co_return;
    if (!stream_.peer_closed() && stream_.readable().is_set()) break;  // the next request, early: the client is there
    stream_.readable().clear();
  }
  co_await loop_.until(Deadline::never());
}

Task<Result<>> Http1Client::send_interim(http::ResponseHead& head) {
  if (version_ == http::Version::kHttp10 || answered_) co_return Result<>();  // RFC 9110 section 15.2
  http1::declare_framing(head, asked_, http1::Framing::none());
  http1::write_response_head(pump_.out(), head);
  co_return co_await pump_.flush();
}

// How the body of this response is delimited for this client (RFC 9112 section 6.3).
http1::Framing Http1Client::frame(const http::ResponseHead& head, const BodySource& body) {
  if (asked_ == http::Method::kHead || http::has_no_body(head.status())) return http1::Framing::none();
  if (const auto length = body.length()) return http1::Framing::of_length(*length);
  if (version_ != http::Version::kHttp10) return http1::Framing::chunked();
  keep_alive_ = false;
  return http1::Framing::until_close();
}

Task<Result<>> Http1Client::send_response(http::ResponseHead& head, BodySource& body) {
  const http1::Framing framing = frame(head, body);
  http1::declare_framing(head, asked_, framing);
  if (!keep_alive_) {
    head.fields().add(http::FieldId::kConnection, "close");
  } else if (asked_keep_alive_) {
    head.fields().add(http::FieldId::kConnection, "keep-alive");
  }
  http1::write_response_head(pump_.out(), head);
  answered_ = true;
  if (framing.empty()) {
    Result<> done = co_await pump_.flush();
    finished_ = done.has_value();
    co_return done;
  }
  Result<> done = co_await pump_.run(body, framing);
  finished_ = done.has_value();
  if (!finished_) {
    keep_alive_ = false;
    // without a length or chunks the client would take a cut for the end
    if (framing.kind == http1::Framing::Kind::kUntilClose) stream_.reset_on_close();
  }
  co_return done;
}

Task<Result<TunnelEnd>> Http1Client::open_tunnel(http::ResponseHead& head) {
  http1::declare_framing(head, asked_, http1::Framing::none());
  keep_alive_ = false;
  answered_ = true;
  http1::write_response_head(pump_.out(), head);
  Result<> done = co_await pump_.flush();
  pump_.out().release();
  if (!done) co_return fail(std::move(done.error()));
  finished_ = true;
  co_return TunnelEnd{.stream = stream_, .early = in_};
}

}  // namespace sluice::worker
