// See http2_session.h.
#include "worker/onramp/http2_session.h"

#include <algorithm>

#include "base/check.h"
#include "worker/flow/exchange.h"
#include "worker/flow/io.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {
namespace {

// More control frames that wait than this, and the client is not read before some have left.
constexpr std::size_t kMostBacklog = 1000;
// After the last frame: for who still sends.
constexpr Millis kFarewell(1000);
// The answer to the ping behind the first GOAWAY is waited for so long.
constexpr Millis kRoundTrip(2000);

http2::SessionLimits limits_of(const ipc::HttpSettings& settings) {
  http2::SessionLimits limits;
  limits.head = {.start_line = static_cast<std::uint32_t>(settings.request_line_limit.bytes()),
                 .head = static_cast<std::uint32_t>(settings.head_limit.bytes()),
                 .fields = settings.field_limit};
  limits.trailers = static_cast<std::uint32_t>(settings.trailer_limit.bytes());
  limits.streams = settings.http2.streams;
  limits.stream_window = static_cast<std::uint32_t>(settings.http2.stream_window.bytes());
  limits.connection_window = static_cast<std::uint32_t>(settings.http2.connection_window.bytes());
  return limits;
}

Http2Stream& ours(http2::Stream& stream) {
  return static_cast<Http2Stream&>(stream);
}

}  // namespace

Http2Session::Http2Session(const Services& services, EndpointIndex endpoint, ClientConnection& connection,
                           ByteStream& stream)
    : services_(services),
      endpoint_(endpoint),
      connection_(connection),
      stream_(stream),
      session_(
          limits_of(services.policy->endpoint(endpoint).settings.http),
          [this] { return std::make_unique<Http2Stream>(services_.loop, *this, connection_.slot.share()); },
          services.loop.now()),
      since_(services.loop.now()),
      block_since_(services.loop.now()) {
  connection_.streams = this;
}

Http2Session::~Http2Session() {
  connection_.streams = nullptr;
}

const ipc::HttpSettings& Http2Session::settings() const {
  return services_.policy->endpoint(endpoint_).settings.http;
}

Task<> Http2Session::run(Buffer& read) {
  writer_.spawn([this] { return write(); });
  take(read.view());
  read.clear();
  read.release();
  for (;;) {
    in_.release();
    look_at_end();
    if (failed_ || session_.over() || drained()) break;
    if (session_.backlog() > kMostBacklog) {
      sent_.clear();
      const Wake wake = co_await sent_.wait(services_.loop, Deadline::never());  // the writer has its own patience
      static_cast<void>(wake);
      continue;
    }
    const Wake wake = co_await stream_.readable().wait(services_.loop, deadline());
    if (failed_) break;
    if (wake == Wake::kTimeout) {
      timed_out();
      continue;
    }
    const Result<std::optional<std::size_t>> got = read_now(stream_, in_, Side::kClient);
    if (!got || (got->has_value() && **got == 0)) {
      failed_ = true;  // who has gone does not read either
      break;
    }
    if (got->has_value()) take(in_.view());
    tidy();
  }
  log_end();
  co_await farewell();
}

// What the client's bytes come to: requests are served, those that were taken back are given up, at once and whole.
void Http2Session::take(std::string_view bytes) {
  const bool in_block = session_.in_block();
  session_.feed(bytes, services_.loop.now());
  since_ = services_.loop.now();
  if (session_.in_block() && !in_block) block_since_ = since_;
  tidy();
  while (http2::Stream* const stream = session_.next_arrived())
    ours(*stream).work.spawn([this, &one = ours(*stream)] { return serve(one); });
  tidy();
  show_state();
  to_send_.set();
}

void Http2Session::tidy() {
  while (http2::Stream* const stream = session_.next_gone()) {
    ours(*stream).work.cancel();
    std::erase(done_, stream);
    session_.drop(*stream, http2::ErrorCode::kCancel);
  }
  while (!done_.empty()) {
    Http2Stream* const stream = done_.front();
    done_.erase(done_.begin());
    if (!stream->finished() && !stream->closed()) to_send_.set();  // it is reset
    session_.drop(*stream, stream->ending());
  }
  show_state();
}

void Http2Session::show_state() {
  ipc::ConnectionState state = ipc::ConnectionState::kIdle;
  if (session_.streams() != 0) state = only_tunnels() ? ipc::ConnectionState::kTunnel : ipc::ConnectionState::kRelaying;
  if (state == connection_.slot.state()) return;
  if (state == ipc::ConnectionState::kIdle) connection_.idle_since = services_.loop.now();
  connection_.slot.state(state);
}

bool Http2Session::only_tunnels() const {
  for (std::size_t i = 0; i < session_.streams(); ++i)
    if (static_cast<const Http2Stream&>(session_.stream(i)).slot.state() != ipc::ConnectionState::kTunnel) return false;
  return session_.streams() != 0;
}

Task<> Http2Session::serve(Http2Stream& stream) {
  const std::shared_ptr<const Policy> policy = services_.policy;  // to the end of the request
  const Endpoint& endpoint = policy->endpoint(endpoint_);
  const ipc::HttpSettings& settings = endpoint.settings.http;
  {
    Exchange exchange(services_, endpoint, connection_, {.slot = stream.slot, .halt = stream.halt}, stream,
                      stream.head(), stream.came());
    exchange.head_bytes(stream.head_bytes());
    stream.begin({.progress = settings.body_timeout, .min_rate = settings.body_min_rate.bytes()},
                 settings.body_limit.bytes() == 0 ? UINT64_MAX : settings.body_limit.bytes(),
                 {.progress = settings.write_timeout, .min_rate = settings.write_min_rate.bytes()});
    std::optional<http::Fault> fault = stream.fault();
    if (!fault && settings.body_limit.bytes() != 0 && stream.framing().length > settings.body_limit.bytes())
      fault = http::Fault::kBodyTooLarge;
    if (!fault)
      if (const auto expects = http::expects_continue(stream.head()); !expects) fault = expects.error();
    if (fault) {
      session_.count_refusal();
      co_await exchange.refuse(*fault);
    } else if (!stream.protocol().empty() && !stream.begin_websocket()) {
      co_await exchange.refuse(Error(Code::kUnsupported, "extended CONNECT is for WebSocket").from(Side::kClient), 501);
    } else {
      const http::ConnectionFacts facts = http::read_connection(stream.head().fields(), stream.head().version());
      const http1::Framing framing = stream.framing();
      co_await exchange.run(facts, framing);
    }
  }
  co_await stream.settle();
  stream.slot.ended(ipc::Work::kRequest);
  if (settings.requests_per_connection != 0 && connection_.requests >= settings.requests_per_connection) wind_down();
  done_.push_back(&stream);
  to_send_.set();
}

Task<> Http2Session::write() {
  const ipc::HttpSettings& settings = this->settings();
  Patience patience({.progress = settings.write_timeout, .min_rate = settings.write_min_rate.bytes()});
  for (;;) {
    const Wake wake = co_await to_send_.wait(services_.loop, Deadline::never());
    static_cast<void>(wake);
    co_await services_.loop.write_turn();
    to_send_.clear();
    tidy();
    const Result<> written = co_await write_out(patience);
    tidy();
    if (!written) {
      failed_ = true;
      break;
    }
    sent_.set();
    if (session_.over() || drained() || ending_ != Ending::kNone) wake_reader();
  }
  sent_.set();
  wake_reader();
}

// Everything that may be sent now, block by block.
Task<Result<>> Http2Session::write_out(Patience& patience) {
  do {
    while (!out_.empty()) {
      Gather bytes(out_.view());
      const Result<bool> all = write_now(stream_, bytes, Side::kClient);
      const std::size_t gone = out_.size() - bytes.size();
      out_.consume(gone);  // at once: the wait may be cancelled
      patience.waited(Nanos(0), gone);
      if (!all) co_return fail(all.error());
      if (*all) break;
      const Nanos since = services_.loop.now();
      const Wake wake = co_await stream_.writable().wait(services_.loop, patience.deadline(since));
      if (wake == Wake::kTimeout)
        co_return fail(Error(Code::kTimeout, "the client takes too few bytes").from(Side::kClient));
      patience.waited(services_.loop.now() - since, 0);
    }
  } while (session_.fill(out_, services_.loop.now()));
  out_.release();
  co_return Result<>();
}

bool Http2Session::drained() const {
  return ending_ == Ending::kNamed && session_.streams() == 0;
}

// Two GOAWAYs with a round trip between: the first lets through what is on its way, the second says where it ends.
void Http2Session::look_at_end() {
  if (ending_ == Ending::kAsked) {
    ending_ = Ending::kAnnounced;
    told_ = services_.loop.now();
    session_.announce_end();
    to_send_.set();
    return;
  }
  if (ending_ != Ending::kAnnounced) return;
  if (!session_.end_heard() && services_.loop.now() < told_ + kRoundTrip) return;
  ending_ = Ending::kNamed;
  session_.end();
  to_send_.set();
}

void Http2Session::wind_down() {
  if (ending_ != Ending::kNone) return;
  ending_ = Ending::kAsked;
  wake_reader();
}

Deadline Http2Session::deadline() const {
  const ipc::HttpSettings& http = settings();
  Deadline deadline = Deadline::never();
  if (ending_ == Ending::kAnnounced) deadline = Deadline(told_ + kRoundTrip);
  if (session_.in_block()) return std::min(deadline, Deadline(block_since_ + http.head_timeout));
  if (ending_ == Ending::kAnnounced) return deadline;
  const Millis idle = connection_.requests == 0 ? http.head_timeout : http.keepalive_timeout;
  // nobody wakes the reader when the last stream ends: it looks again by itself
  if (session_.streams() != 0) return std::min(deadline, Deadline(services_.loop.now() + idle));
  return std::min(deadline, Deadline(std::max(connection_.idle_since, connection_.started) + idle));
}

// The deadline has passed: a client that leaves a block of fields unfinished holds up all its streams, so the
// connection ends; one that idles is told to go, by the same two steps as in a drain.
void Http2Session::timed_out() {
  const Nanos now = services_.loop.now();
  if (session_.in_block() && now >= block_since_ + settings().head_timeout) {
    session_.abort(http2::ErrorCode::kEnhanceYourCalm);
    to_send_.set();
  } else if (ending_ == Ending::kNone && session_.streams() == 0 && Deadline(now) >= deadline()) {
    session_.abort(http2::ErrorCode::kNoError);
    to_send_.set();
  }
}

void Http2Session::log_end() {
  if (const std::optional<http2::Flood> flood = session_.flood()) {
    services_.metrics.http2_flooded(endpoint_, *flood);
    services_.log.warn("connection ended", {{"connection", connection_.core.id},
                                            {"client", connection_.core.peer.text()},
                                            {"why", "flood"},
                                            {"flood", http2::name(*flood)}});
  } else if (!session_.broken().empty()) {
    services_.log.info("connection ended", {{"connection", connection_.core.id},
                                            {"client", connection_.core.peer.text()},
                                            {"why", "protocol error"},
                                            {"error", session_.broken()}});
  }
}

// What is left is cancelled; the last frames go out, in a bounded time, and then the connection lingers so that a reset
// does not take them away.
Task<> Http2Session::farewell() {
  for (std::size_t i = 0; i < session_.streams(); ++i) ours(session_.stream(i)).work.cancel();
  done_.clear();
  writer_.cancel();
  if (failed_) {
    if (session_.streams() != 0) stream_.reset_on_close();
    co_return;
  }
  connection_.slot.state(ipc::ConnectionState::kClosing);
  Patience patience({.progress = kFarewell});
  const Result<> written = co_await write_out(patience);
  out_.release();
  if (written) co_await lingering_close(services_.loop, stream_);
}

void Http2Session::mark_open() {
  for (std::size_t i = 0; i < session_.streams(); ++i) {
    ipc::ConnectionSlot& slot = ours(session_.stream(i)).slot;
    slot.mark(slot.state() == ipc::ConnectionState::kTunnel ? ipc::Work::kTunnel : ipc::Work::kRequest);
  }
}

void Http2Session::forget_marks() {
  for (std::size_t i = 0; i < session_.streams(); ++i) ours(session_.stream(i)).slot.forget_marks();
}

bool Http2Session::receiving() const {
  for (std::size_t i = 0; i < session_.streams(); ++i) {
    const auto& stream = static_cast<const Http2Stream&>(session_.stream(i));
    if (stream.receiving() && stream.slot.state() != ipc::ConnectionState::kTunnel) return true;
  }
  return false;
}

void Http2Session::cut() {
  for (std::size_t i = 0; i < session_.streams(); ++i) ours(session_.stream(i)).slot.set_fate(ipc::Fate::kCut);
}

}  // namespace sluice::worker
