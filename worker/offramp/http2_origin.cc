// See http2_origin.h.
#include "worker/offramp/http2_origin.h"

#include <algorithm>

#include "worker/flow/io.h"
#include "worker/offramp/http2_exchange.h"
#include "worker/offramp/waiting_line.h"

namespace sluice::worker {
namespace {
// More control frames that wait than this, and the origin is not read before some have left.
constexpr std::size_t kMostBacklog = 1000;
}  // namespace

Http2Origin::Http2Origin(Loop& loop, std::unique_ptr<OriginConnection> connection, const Http2OriginSettings& settings)
    : idle_since(loop.now()),
      loop_(loop),
      connection_(std::move(connection)),
      settings_(settings),
      session_(settings.limits, loop.now()),
      heard_(loop.now()) {}

Http2Origin::~Http2Origin() {
  work_.cancel();
  if (failure_) return;
  session_.end();
  session_.fill(out_, loop_.now());
  Gather bytes(out_.view());
  const Result<bool> said = write_now(connection_->stream(), bytes, Side::kOrigin);
  if (said && *said) connection_->take_leave();
}

Task<Result<>> Http2Origin::open(Deadline deadline) {
  work_.spawn([this] { return write(); });
  work_.spawn([this] { return read(); });
  if (settings_.ping_interval.count() != 0) work_.spawn([this] { return watch(); });
  to_send_.set();
  const Wake wake = co_await settled_.wait(loop_, deadline);
  if (wake == Wake::kTimeout)
    co_return fail(Error(Code::kTimeout, "the origin did not begin to speak HTTP/2 in time").from(Side::kOrigin));
  if (failure_) co_return fail(Error(*failure_).during("beginning HTTP/2"));
  co_return Result<>();
}

bool Http2Origin::has_room() const {
  return !retired() && users_ < std::min(settings_.streams, session_.most_streams());
}

Task<> Http2Origin::read() {
  ByteStream& stream = connection_->stream();
  while (!failure_) {
    if (session_.backlog() > kMostBacklog) {
      sent_.clear();
      const Wake wake = co_await sent_.wait(loop_, Deadline::never());  // the writer has its own patience
      static_cast<void>(wake);
      continue;
    }
    const Wake wake = co_await stream.readable().wait(loop_, Deadline::never());
    static_cast<void>(wake);
    Result<std::optional<std::size_t>> got = read_now(stream, in_, Side::kOrigin);
    if (!got) {
      die(std::move(got.error()));
    } else if (!got->has_value()) {
      in_.release();
    } else if (**got == 0) {
      die(Error(Code::kClosed, "the origin closed the connection").from(Side::kOrigin));
    } else {
      take(in_.view());
      in_.clear();
    }
  }
  in_.release();
}

void Http2Origin::take(std::string_view bytes) {
  const bool had_room = has_room();
  const bool was_leaving = session_.leaving();
  heard_ = loop_.now();
  session_.feed(bytes, heard_);
  if (session_.settled()) settled_.set();
  if (session_.over()) die(why_over());
  if (session_.wants_to_send()) to_send_.set();
  if (line_ != nullptr && ((!had_room && has_room()) || (!was_leaving && session_.leaving()))) line_->call();
}

Error Http2Origin::why_over() const {
  if (const std::optional<http2::Flood> flood = session_.flood())
    return Error(Code::kBadSyntax, "the origin floods us with frames: " + std::string(http2::name(*flood)))
        .from(Side::kOrigin);
  if (!session_.broken().empty())
    return Error(Code::kBadSyntax, "HTTP/2: " + std::string(session_.broken())).from(Side::kOrigin);
  return Error(Code::kClosed, "the origin ended the connection").from(Side::kOrigin);
}

void Http2Origin::die(Error error) {
  if (failure_) return;
  failure_.emplace(std::move(error));
  for (std::size_t i = 0; i < session_.streams(); ++i)
    static_cast<Http2Exchange&>(session_.stream(i)).connection_failed();
  settled_.set();
  sent_.set();
  to_send_.set();  // a last word, perhaps
  connection_->stream().readable().set();
  if (line_ != nullptr) line_->call();
}

Task<> Http2Origin::write() {
  Patience patience({.progress = settings_.write_timeout});
  for (;;) {
    const Wake wake = co_await to_send_.wait(loop_, Deadline::never());
    static_cast<void>(wake);
    co_await loop_.write_turn();
    to_send_.clear();
    Result<> written = co_await write_out(patience);
    if (!written) {
      die(std::move(written.error()));
    } else if (session_.over()) {
      die(why_over());
    }
    sent_.set();
    if (failure_) co_return;
  }
}

// Everything that may be sent now, block by block.
Task<Result<>> Http2Origin::write_out(Patience& patience) {
  ByteStream& stream = connection_->stream();
  do {
    while (!out_.empty()) {
      Gather bytes(out_.view());
      const Result<bool> all = write_now(stream, bytes, Side::kOrigin);
      const std::size_t gone = out_.size() - bytes.size();
      out_.consume(gone);  // at once: the wait may be cancelled
      if (!all) co_return fail(all.error());
      if (*all) break;
      const Wake wake = co_await stream.writable().wait(loop_, patience.deadline(loop_.now()));
      if (wake == Wake::kTimeout)
        co_return fail(Error(Code::kTimeout, "the origin takes too few bytes").from(Side::kOrigin));
    }
  } while (session_.fill(out_, loop_.now()));
  out_.release();
  co_return Result<>();
}

// Only a connection that somebody waits for is asked: an idle one ends by its own time.
Task<> Http2Origin::watch() {
  while (!failure_) {
    co_await loop_.sleep(settings_.ping_interval);
    if (failure_) co_return;
    if (users_ == 0 || loop_.now() - heard_ < settings_.ping_interval) continue;
    const Nanos asked = loop_.now();
    session_.ping();
    to_send_.set();
    co_await loop_.sleep(settings_.ping_timeout);
    if (heard_ < asked) die(Error(Code::kTimeout, "the connection shows no sign of life").from(Side::kOrigin));
  }
}

}  // namespace sluice::worker
