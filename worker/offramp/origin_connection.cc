// See origin_connection.h.
#include "worker/offramp/origin_connection.h"

#include <algorithm>

#include "proto/http/keep_alive.h"
#include "proto/http1/writer.h"
#include "worker/flow/io.h"

namespace sluice::worker {

bool OriginConnection::settle_to_idle() {
  // bytes behind a complete response belong to nothing we asked for: response splitting, or a confused origin
  if (!in_.empty() || stream().peer_closed()) return false;
  // a response that filled the block to its last byte leaves the signal set: one read tells whether there is more
  const Result<std::optional<std::size_t>> more = read_now(stream(), in_, Side::kOrigin);
  if (!more || more->has_value()) return false;
  in_.release();
  idle_ = true;
  return true;
}

bool OriginConnection::quiet() {
  char byte = 0;
  return sys::recv(socket_.plain_socket(), {&byte, 1}, MSG_PEEK).again();
}

bool OriginConnection::dead_while_idle() {
  if (!socket_.readable().is_set()) return false;
  if (tls_ == nullptr || socket_.peer_closed()) return true;
  char byte = 0;
  return !tls_->read({&byte, 1}).again();
}

OriginConnection::~OriginConnection() {
  if (idle_) take_leave();
}

void OriginConnection::take_leave() {
  if (tls_ != nullptr) tls_->take_leave();
}

Task<Result<>> OriginConnection::secure(std::shared_ptr<const TlsClient> client, std::string_view host,
                                        std::shared_ptr<TlsSessions> sessions, Deadline deadline) {
  const std::string first = take_introduction();
  Gather bytes(first);
  Patience patience(Pace{.progress = client->timeout()});
  Result<> introduced = co_await write_rest(loop_, socket_, bytes, patience, Side::kOrigin);
  if (!introduced) co_return fail(std::move(introduced.error()).during("sending the PROXY header"));
  tls_ = client->open(loop_, socket_, host, std::move(sessions));
  Result<> shaken = co_await tls_->handshake(std::min(deadline, loop_.in(client->timeout())));
  if (!shaken) co_return fail(std::move(shaken.error()).from(Side::kOrigin));
  co_return Result<>();
}

namespace {

// The origin closes an idle connection when its time is up; a request that is on its way by then is lost. Stopping a
// second earlier, or at half of a very short time, leaves room for that.
Nanos idle_limit_of(const http::Fields& fields) {
  constexpr std::chrono::seconds kMargin(1);
  const http::KeepAliveHint hint = http::keep_alive_hint(fields);
  if (hint.most_requests == 0U) return Nanos(0);
  if (!hint.timeout_seconds) return Nanos::max();
  const Nanos timeout = std::chrono::seconds(*hint.timeout_seconds);
  return std::max(timeout - kMargin, timeout / 2);
}

}  // namespace

Task<Result<>> OriginExchange::send(const http::RequestHead& head, http::TargetForm form, BodySource* body,
                                    const http1::Framing& framing) {
  connection_.begin_request();
  if (connection_.introduced()) pump_.out().append(connection_.take_introduction());
  http1::write_request_head(pump_.out(), head, form);
  if (body != nullptr && !framing.empty()) {
    uploading_ = true;
    background_.spawn([this, body, framing] { return upload(*body, framing); });
    co_return Result<>();
  }
  co_await connection_.loop().write_turn();
  Result<> done;
  if (const Result<bool> all = pump_.flush_now(); !all) {
    done = fail(all.error());
  } else if (!*all) {
    done = co_await pump_.flush();
  }
  pump_.out().release();  // the wait for the answer needs no buffer
  if (!done) co_return fail(std::move(done.error()).retry(Retry::kIfReused).during("sending the request"));
  co_return Result<>();
}

Task<> OriginExchange::upload(BodySource& body, http1::Framing framing) {
  Result<> done = co_await pump_.run(body, framing);
  pump_.out().release();
  uploaded_ = connection_.loop().now();
  if (done) {
    uploading_ = false;
    co_return;
  }
  // An origin that no longer reads may still have answered: only the client's failure ends the reading of the response.
  if (done.error().side() == Side::kOrigin) {
    failed_ = std::move(done.error());
  } else {
    abandon(std::move(done.error()));
  }
}

void OriginExchange::abandon(Error error) {
  failed_ = std::move(error);
  connection_.stream().readable().set();
}

Task<Result<>> OriginExchange::read_head(http::ResponseHead& head) {
  Buffer& in = connection_.in();
  ByteStream& stream = connection_.stream();
  Deadline deadline = connection_.loop().in(timeouts_.first_byte);
  for (;;) {
    if (!in.empty()) {
      const auto parsed = parser_.parse(in.view(), head);
      if (!parsed) co_return fail(http::as_error(parsed.error(), Side::kOrigin));
      if (*parsed != 0) {
        in.consume(*parsed);
        co_return Result<>();
      }
      stream.confirm();
    }
    const Wake wake = co_await stream.readable().wait(connection_.loop(), deadline);
    if (failed_ && failed_->side() != Side::kOrigin) co_return fail(*failed_);
    if (wake == Wake::kTimeout) {
      // the clock runs from the end of the request
      const Nanos now = connection_.loop().now();
      const Nanos ended = uploading_ && !failed_ ? now : uploaded_;
      deadline = Deadline(ended + timeouts_.first_byte);
      if (ended + timeouts_.first_byte > now) continue;
      co_return fail(Error(Code::kTimeout, "the origin did not answer in time").from(Side::kOrigin));
    }
    const Retry retry = in.empty() && !parser_.in_head() ? Retry::kIfReused : Retry::kNo;
    Result<std::optional<std::size_t>> got = read_now(stream, in, Side::kOrigin);
    if (!got) co_return fail(std::move(got.error()).retry(retry).during("reading the response head"));
    if (got->has_value() && **got == 0) {
      co_return fail(Error(Code::kClosed, "the origin closed before its answer").from(Side::kOrigin).retry(retry));
    }
  }
}

Result<> OriginExchange::begin_body(const http::ResponseHead& head, const http::ConnectionFacts& facts,
                                    http::Method asked) {
  const auto framing = http1::response_framing(head, asked);
  if (!framing) return fail(http::as_error(framing.error(), Side::kOrigin));
  keep_alive_ = framing->kind != http1::Framing::Kind::kUntilClose && http::persists(facts, head.version());
  if (head.fields().has(http::FieldId::kKeepAlive)) connection_.idle_limit = idle_limit_of(head.fields());
  body_.start(*framing, {}, Pace{.progress = timeouts_.idle});
  return {};
}

}  // namespace sluice::worker
