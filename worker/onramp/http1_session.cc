// See http1_session.h.
#include "worker/onramp/http1_session.h"

#include <algorithm>

#include "proto/http1/head_parser.h"
#include "proto/http2/preface.h"
#include "worker/flow/exchange.h"
#include "worker/flow/io.h"
#include "worker/onramp/http1_client.h"

namespace sluice::worker {
namespace {

http1::HeadLimits head_limits(const ipc::HttpSettings& settings) {
  return {.start_line = static_cast<std::uint32_t>(settings.request_line_limit.bytes()),
          .head = static_cast<std::uint32_t>(settings.head_limit.bytes()),
          .fields = settings.field_limit};
}

http1::BodyLimits body_limits(const ipc::HttpSettings& settings) {
  http1::BodyLimits limits;
  if (settings.body_limit.bytes() != 0) limits.body = settings.body_limit.bytes();
  limits.chunk_extensions = static_cast<std::uint32_t>(settings.chunk_extension_limit.bytes());
  limits.trailers = static_cast<std::uint32_t>(settings.trailer_limit.bytes());
  return limits;
}

bool speaks(const ipc::HttpSettings& settings, ipc::HttpVersion version) {
  return std::ranges::find(settings.versions, version) != settings.versions.end();
}

}  // namespace

Task<Http1Session::Ended> Http1Session::run() {
  for (;;) {
    if (in_.empty()) {
      const Deadline deadline = begin_idle();
      const Haltable haltable(connection_.halt, stream_.readable());
      // here and not in a coroutine of its own, whose frame every idle connection would hold
      while (in_.empty()) {
        if (connection_.halt.wanted) co_return Ended::kHalted;
        const Wake wake = co_await stream_.readable().wait(services_.loop, deadline);
        if (connection_.halt.wanted) co_return Ended::kHalted;
        if (!arrived(wake)) co_return Ended::kClosed;
      }
    }
    waits_ = false;
    if (connection_.halt.wanted) {
      connection_.slot.state(ipc::ConnectionState::kIdle);
      co_return Ended::kHalted;
    }
    const Next next = co_await serve_one();
    if (next == Next::kAnother) continue;
    if (next == Next::kHttp2) co_return Ended::kHttp2;
    if (connection_.halt.moved) co_return Ended::kClosed;
    in_.clear();
    in_.release();
    // a plain close would reset the connection of a client that is still sending, and could take the answer with it
    if (next == Next::kLinger) {
      connection_.slot.state(ipc::ConnectionState::kClosing);
      co_await lingering_close(services_.loop, stream_);
    }
    co_return Ended::kClosed;
  }
}

Deadline Http1Session::idle_deadline() const {
  const ipc::HttpSettings& http = services_.policy->endpoint(endpoint_).settings.http;
  const Millis limit = connection_.requests == 0 ? http.head_timeout : http.keepalive_timeout;
  return limit.count() <= 0 ? Deadline::never() : Deadline(connection_.idle_since + limit);
}

Deadline Http1Session::begin_idle() {
  connection_.slot.state(ipc::ConnectionState::kIdle);
  if (!waits_) connection_.idle_since = services_.loop.now();
  waits_ = true;
  if (stream_.peer_closed()) stream_.readable().set();  // the end has been seen; it is still to be read
  in_.release();
  return idle_deadline();
}

bool Http1Session::arrived(Wake wake) {
  if (wake == Wake::kTimeout) return false;
  const Result<std::optional<std::size_t>> got = read_now(stream_, in_, Side::kClient);
  if (!got) return false;
  pipelined_ = 0;
  if (got->has_value()) return **got != 0;
  in_.release();
  return true;
}

Task<Http1Session::Next> Http1Session::serve_one() {
  const std::shared_ptr<const Policy> policy = services_.policy;  // to the end of the request
  const Endpoint& endpoint = policy->endpoint(endpoint_);
  const ipc::HttpSettings& settings = endpoint.settings.http;
  const Nanos first_byte = services_.loop.now();
  const Deadline deadline = services_.loop.in(settings.head_timeout);
  connection_.slot.state(ipc::ConnectionState::kReading);

  http::RequestHead head;
  http1::RequestParser parser(head_limits(settings));
  Http1Client client(services_.loop, stream_, in_,
                     {.progress = settings.write_timeout, .min_rate = settings.write_min_rate.bytes()});
  std::optional<http::Fault> fault;
  bool late = false;
  std::size_t head_size = 0;
  ++pipelined_;
  const bool first = connection_.requests == 0 && speaks(settings, ipc::HttpVersion::kHttp2);
  while (head_size == 0) {
    const http2::Preface preface = first ? http2::match_preface(in_.view()) : http2::Preface::kNo;
    if (preface == http2::Preface::kYes) co_return Next::kHttp2;
    if (preface == http2::Preface::kNo) {
      const http::Parsed<std::size_t> parsed = parser.parse(in_.view(), head);
      if (!parsed) {
        fault = parsed.error();
        break;
      }
      head_size = *parsed;
      if (head_size != 0) break;
    }
    stream_.confirm();
    const Result<std::size_t> got = co_await read_some(services_.loop, stream_, in_, deadline, Side::kClient);
    if (!got && got.error().code() == Code::kTimeout) {
      if (!parser.in_head()) co_return Next::kClose;  // empty lines ask for nothing
      late = true;
      break;
    }
    if (!got || *got == 0) co_return Next::kClose;  // gone in the middle of a head: nobody to answer
    pipelined_ = 1;
  }
  in_.consume(head_size);

  Exchange exchange(services_, endpoint, connection_, {.slot = connection_.slot, .halt = connection_.halt}, client,
                    head, first_byte);
  exchange.head_bytes(head_size);
  const http::ConnectionFacts facts = http::read_connection(head.fields(), head.version());
  const http::Parsed<http1::Framing> framing = fault || late ? http1::Framing::none() : http1::request_framing(head);
  const http1::BodyLimits limits = body_limits(settings);
  if (!fault && !framing) fault = framing.error();
  if (!fault && !late && !speaks(settings, ipc::HttpVersion::kHttp1)) fault = http::Fault::kBadVersion;
  if (!fault && framing->kind == http1::Framing::Kind::kLength && framing->length > limits.body)
    fault = http::Fault::kBodyTooLarge;
  if (!fault && !late)
    if (const auto expects = http::expects_continue(head); !expects) fault = expects.error();

  if (late || fault) client.refuse(head.method());
  if (late) {
    Error error = Error(Code::kTimeout, "the request head took too long").from(Side::kClient);
    co_await exchange.refuse(std::move(error), 408);
  } else if (fault) {
    co_await exchange.refuse(*fault);
  } else {
    connection_.current = &client;
    client.begin(head, facts, *framing, limits,
                 {.progress = settings.body_timeout, .min_rate = settings.body_min_rate.bytes()});
    const bool last = settings.requests_per_connection != 0 && connection_.requests >= settings.requests_per_connection;
    if (last || pipelined_ >= settings.pipelined_requests) client.close_after();
    co_await exchange.run(facts, *framing);
  }
  if (client.has_read()) pipelined_ = 0;
  client.settle();
  connection_.current = nullptr;
  connection_.slot.ended(ipc::Work::kRequest);
  if (connection_.halt.moved) co_return Next::kClose;
  if (client.keep_alive()) co_return Next::kAnother;
  co_return client.finished() && !stream_.peer_closed() ? Next::kLinger : Next::kClose;
}

}  // namespace sluice::worker
