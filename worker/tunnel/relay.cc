// See relay.h. Three coroutines in one scope: the two directions, and a watchdog that knows the timeouts, so that the
// directions wait without deadlines and a busy tunnel touches no timer at all.
#include "worker/tunnel/relay.h"

#include <algorithm>

#include "base/scope.h"
#include "worker/tunnel/direction.h"

namespace sluice::worker {
namespace {

class Relay {
 public:
  Relay(Loop& loop, TunnelEnd client, TunnelEnd origin, const TunnelTimeouts& timeouts, TunnelCounts& counts,
        TunnelProgress& progress, Halt& halt)
      : loop_(loop),
        timeouts_(timeouts),
        counts_(counts),
        progress_(progress),
        halt_(halt),
        started_(progress.started),
        last_byte_(progress.last_byte),
        up_(loop, client.stream, Side::kClient, origin.stream, Side::kOrigin, client.early, counts.to_origin,
            last_byte_),
        down_(loop, origin.stream, Side::kOrigin, client.stream, Side::kClient, origin.early, counts.to_client,
              last_byte_) {}

  Task<TunnelOutcome> run() {
    const Haltable haltable(halt_, changed_);
    Scope scope;
    begin(scope, up_, progress_.client_ended);
    begin(scope, down_, progress_.origin_ended);
    for (;;) {
      if (halt_.wanted && !outcome_.error && finished_ != 2) {
        scope.cancel();
        halt();
        break;
      }
      const Wake wake = co_await changed_.wait(loop_, next_deadline());
      changed_.clear();
      counts_.spliced = up_.spliced() || down_.spliced();
      if (outcome_.error || (up_.ended() && down_.ended() && finished_ == 2)) break;
      if (wake == Wake::kTimeout && expired()) break;
    }
    co_return outcome_;
  }

 private:
  void begin(Scope& scope, Direction& direction, bool ended) {
    if (ended) {
      direction.already_ended();
      ++finished_;
    } else {
      scope.spawn([this, &direction] { return move(direction); });
    }
  }

  void halt() {
    progress_.client_ended = up_.ended();
    progress_.origin_ended = down_.ended();
    outcome_.ending = TunnelEnding::kHalted;
    for (Direction* direction : {&up_, &down_}) {
      Result<> halted = direction->halt();
      if (halted || outcome_.error) continue;
      outcome_.ending = direction == &up_ ? TunnelEnding::kClientFailed : TunnelEnding::kOriginFailed;
      outcome_.error = std::move(halted.error());
    }
  }

  Task<> move(Direction& direction) {
    Result<> done = co_await direction.run();
    ++finished_;
    last_byte_ = loop_.now();
    if (!done && !outcome_.error) {
      outcome_.ending =
          done.error().side() == Side::kClient ? TunnelEnding::kClientFailed : TunnelEnding::kOriginFailed;
      outcome_.error = std::move(done.error());
    }
    changed_.set();
  }

  [[nodiscard]] Millis quiet_limit() const { return finished_ == 1 ? timeouts_.half_close : timeouts_.idle; }

  [[nodiscard]] Deadline next_deadline() const {
    Deadline next = Deadline::never();
    if (quiet_limit().count() > 0) next = Deadline(last_byte_ + quiet_limit());
    if (timeouts_.total.count() > 0) next = std::min(next, Deadline(started_ + timeouts_.total));
    return next;
  }

  [[nodiscard]] bool expired() {
    if (timeouts_.total.count() > 0 && loop_.now() >= started_ + timeouts_.total) {
      outcome_.ending = TunnelEnding::kTotal;
      return true;
    }
    if (quiet_limit().count() > 0 && loop_.now() >= last_byte_ + quiet_limit()) {
      outcome_.ending = finished_ == 1 ? TunnelEnding::kHalfClosed : TunnelEnding::kIdle;
      return true;
    }
    return false;  // bytes moved while we slept
  }

  Loop& loop_;
  TunnelTimeouts timeouts_;
  TunnelCounts& counts_;
  TunnelProgress& progress_;
  Halt& halt_;
  Nanos started_;
  Nanos& last_byte_;
  Direction up_;
  Direction down_;
  Signal changed_;
  int finished_ = 0;
  TunnelOutcome outcome_;
};

}  // namespace

std::string_view name(TunnelEnding ending) {
  switch (ending) {
    case TunnelEnding::kFinished:
      return "finished";
    case TunnelEnding::kIdle:
      return "idle_timeout";
    case TunnelEnding::kHalfClosed:
      return "half_close_timeout";
    case TunnelEnding::kTotal:
      return "total_timeout";
    case TunnelEnding::kClientFailed:
      return "client_failed";
    case TunnelEnding::kOriginFailed:
      return "origin_failed";
    case TunnelEnding::kHalted:
      return "halted";
  }
  return "unknown";
}

Task<TunnelOutcome> relay(Loop& loop, TunnelEnd client, TunnelEnd origin, const TunnelTimeouts& timeouts,
                          TunnelCounts& counts, TunnelProgress& progress, Halt& halt) {
  Relay both(loop, client, origin, timeouts, counts, progress, halt);
  const TunnelOutcome outcome = co_await both.run();
  if (outcome.ending != TunnelEnding::kFinished && outcome.ending != TunnelEnding::kHalted) {
    client.stream.reset_on_close();
    origin.stream.reset_on_close();
  }
  co_return outcome;
}

}  // namespace sluice::worker
