// See dial.h.
#include "worker/offramp/dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/fd_events.h"
#include "base/scope.h"
#include "base/signal.h"
#include "base/sys.h"

namespace sluice::worker {
namespace {

// What the attempts of one call share. Outlives them: declared before their scope.
struct Race {
  Race(Loop& loop, const DialRequest& request) : loop(loop), request(request) {}

  void failed(const SocketAddress& address, Error error) {
    // a list of addresses is bounded by the resolver, its report by this
    constexpr std::size_t kMaxReport = 1000;
    if (report.size() < kMaxReport) report += (report.empty() ? "" : "; ") + address.text() + ": " + error.message();
    if (error.code() == Code::kDestinationForbidden) {
      forbidden.emplace(std::move(error));
    } else {
      last_failure.emplace(std::move(error));
    }
    progress.set();
  }

  Loop& loop;
  const DialRequest& request;
  Signal progress;  // an attempt has ended, one way or the other
  std::optional<Connected> winner;
  std::optional<Error> forbidden;
  std::optional<Error> last_failure;
  std::string report;
};

Task<Result<Fd>> connect_to(Loop& loop, const SocketAddress& address, Millis timeout) {
  const RawAddress raw = address.raw();
  Result<Fd> fd = sys::socket(raw.family(), SOCK_STREAM, 0);
  if (!fd) co_return fail(std::move(fd.error()));
  if (address.is_ip()) {
    if (Result<> set = sys::set_option(fd->get(), IPPROTO_TCP, TCP_NODELAY, 1); !set) co_return fail(set.error());
  }
  if (Result<> begun = sys::connect(fd->get(), raw.get(), raw.size); !begun) co_return fail(begun.error());
  FdEvents events(loop, fd->get());
  // not known to be writable: registering after connect(2) brings an edge, now or when the handshake ends
  events.writable.clear();
  const Wake wake = co_await events.writable.wait(loop, loop.in(timeout));
  if (wake == Wake::kTimeout) co_return fail(Code::kTimeout, "no answer in time");
  if (const int error = sys::pending_error(fd->get()); error != 0) co_return fail_errno(error, "connect");
  co_return std::move(*fd);
}

Task<> attempt(Race& race, const SocketAddress& address) {
  if (race.request.permitted) {
    if (Result<> permitted = race.request.permitted(address); !permitted) {
      race.failed(address, std::move(permitted.error()));
      co_return;
    }
  }
  Result<Fd> fd = co_await connect_to(race.loop, address, race.request.connect_timeout);
  if (!fd) {
    race.failed(address, std::move(fd.error()));
  } else if (!race.winner) {
    race.winner.emplace(std::move(*fd), address);
    race.progress.set();
  }
}

Error outcome(const Race& race, bool in_time) {
  if (race.request.candidates.empty()) return Error(Code::kDnsFailure, "no address to connect to").from(Side::kOrigin);
  if (!in_time) {
    std::string what = "no connection in time";
    if (!race.report.empty()) what += "; " + race.report;
    return Error(Code::kTimeout, std::move(what)).from(Side::kOrigin).retry(Retry::kYes);
  }
  if (!race.last_failure) return Error(race.forbidden->code(), race.report).from(Side::kUs).retry(Retry::kNo);
  return Error(race.last_failure->code(), race.report).from(Side::kOrigin).retry(Retry::kYes);
}

}  // namespace

Task<Result<Connected>> dial(Loop& loop, const DialRequest& request) {
  const Millis delay = std::clamp(request.attempt_delay, kMinAttemptDelay, kMaxAttemptDelay);
  Race race(loop, request);
  Scope attempts;
  std::span<const SocketAddress> left = request.candidates;
  bool in_time = true;
  while (!race.winner && in_time && (!left.empty() || !attempts.empty())) {
    Deadline wake_at = request.deadline;
    if (!left.empty()) {
      race.progress.clear();
      attempts.spawn(attempt, std::ref(race), std::cref(left.front()));
      left = left.subspan(1);
      wake_at = left.empty() ? wake_at : std::min(wake_at, loop.in(delay));
    }
    const Wake wake = co_await race.progress.wait(loop, wake_at);
    if (wake == Wake::kReady) {
      race.progress.clear();
    } else {
      in_time = wake_at < request.deadline;
    }
  }
  if (race.winner) co_return std::move(*race.winner);
  co_return fail(outcome(race, in_time));
}

}  // namespace sluice::worker
