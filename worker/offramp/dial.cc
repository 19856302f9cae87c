// See dial.h.
#include "worker/offramp/dial.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <optional>
#include <string>

#include "base/scope.h"
#include "base/sys.h"

namespace sluice::worker {

// What the attempts of one call share. Outlives them: declared before their scope.
struct Race {
  Race(Loop& loop, const DialRequest& request)
      : loop(loop),
        request(request),
        left(request.candidates.begin(), request.candidates.end()),
        progress(request.late != nullptr ? request.late->changed_ : own_progress) {}

  void failed(const SocketAddress& address, Error error) {
    // a list of addresses is bounded by the resolver, its report by this
    constexpr std::size_t kMaxReport = 1000;
    if (report.size() < kMaxReport) report += (report.empty() ? "" : "; ") + address.text() + ": " + error.message();
    if (error.code() == Code::kDestinationForbidden) {
      forbidden.emplace(std::move(error));
    } else {
      last_failure.emplace(std::move(error));
    }
    hurry = true;
    progress.set();
  }

  // Late addresses take turns with those that wait already: they are of the family that was not tried (RFC 8305
  // section 4).
  void take_late() {
    if (request.late == nullptr || request.late->waiting_.empty()) return;
    std::deque<SocketAddress> merged;
    for (SocketAddress& address : std::exchange(request.late->waiting_, {})) {
      merged.push_back(std::move(address));
      if (left.empty()) continue;
      merged.push_back(std::move(left.front()));
      left.pop_front();
    }
    std::ranges::move(left, std::back_inserter(merged));
    left = std::move(merged);
  }
  [[nodiscard]] bool more_to_come() const { return request.late != nullptr && !request.late->finished_; }

  Loop& loop;
  const DialRequest& request;
  std::deque<SocketAddress> left;
  Signal own_progress;
  Signal& progress;   // an attempt has ended, one way or the other, or more addresses are known
  bool hurry = true;  // the next attempt need not wait: nothing was tried yet, or an attempt has failed
  std::optional<Connected> winner;
  std::optional<Error> forbidden;
  std::optional<Error> last_failure;
  std::string report;
};

namespace {

// The port is the kernel's to choose, and only at connect(2), when it knows the whole pair of addresses: one source can
// then have as many connections to each origin as there are ports.
Result<> bind_source(int fd, const SocketAddress& to, const SourceAddresses& sources) {
  const IpAddress* const source = to.is_ip() ? sources.next(to.ip().family()) : nullptr;
  if (source == nullptr) return fail(Code::kUnreachable, "no source address of this family");
  if (Result<> set = sys::set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1); !set) return set;
  const RawAddress raw = SocketAddress(*source, 0).raw();
  return sys::bind(fd, raw.get(), raw.size);
}

Task<Result<Connected>> connect_to(Loop& loop, const SocketAddress& address, const SourceAddresses* sources,
                                   Millis timeout) {
  const RawAddress raw = address.raw();
  Result<Fd> fd = sys::socket(raw.family(), SOCK_STREAM, 0);
  if (!fd) co_return fail(std::move(fd.error()));
  if (address.is_ip()) {
    if (Result<> set = sys::set_option(fd->get(), IPPROTO_TCP, TCP_NODELAY, 1); !set) co_return fail(set.error());
  }
  if (sources != nullptr && !sources->any()) {
    if (Result<> bound = bind_source(fd->get(), address, *sources); !bound) co_return fail(bound.error());
  }
  if (Result<> begun = sys::connect(fd->get(), raw.get(), raw.size); !begun) co_return fail(begun.error());
  FdEvents events(loop, fd->get());
  // not known to be either: registering after connect(2) brings an edge, now or when there is something to know
  events.writable.clear();
  events.readable.clear();
  const Wake wake = co_await events.writable.wait(loop, loop.in(timeout));
  if (wake == Wake::kTimeout) co_return fail(Code::kTimeout, "no answer in time");
  if (const int error = sys::pending_error(fd->get()); error != 0) co_return fail_errno(error, "connect");
  co_return Connected{.fd = std::move(*fd), .events = std::move(events), .peer = address};
}

Task<> attempt(Race& race, SocketAddress address) {
  if (race.request.permitted) {
    if (Result<> permitted = race.request.permitted(address); !permitted) {
      race.failed(address, std::move(permitted.error()));
      co_return;
    }
  }
  Result<Connected> connected =
      co_await connect_to(race.loop, address, race.request.sources, race.request.connect_timeout);
  if (!connected) {
    race.failed(address, std::move(connected.error()));
  } else if (!race.winner) {
    race.winner.emplace(std::move(*connected));
    race.progress.set();
  }
}

Error outcome(const Race& race, bool in_time) {
  if (!in_time) {
    std::string what = "no connection in time";
    if (!race.report.empty()) what += "; " + race.report;
    return Error(Code::kTimeout, std::move(what)).from(Side::kOrigin).retry(Retry::kYes);
  }
  if (!race.last_failure && !race.forbidden)
    return Error(Code::kDnsFailure, "no address to connect to").from(Side::kOrigin);
  if (!race.last_failure) return Error(race.forbidden->code(), race.report).from(Side::kUs).retry(Retry::kNo);
  return Error(race.last_failure->code(), race.report).from(Side::kOrigin).retry(Retry::kYes);
}

}  // namespace

Task<Result<Connected>> dial(Loop& loop, const DialRequest& request) {
  const Millis delay = std::clamp(request.attempt_delay, kMinAttemptDelay, kMaxAttemptDelay);
  Race race(loop, request);
  Scope attempts;
  Deadline next_attempt;
  for (;;) {
    race.progress.clear();
    race.take_late();
    if (!race.left.empty() && (race.hurry || next_attempt.since_boot() <= loop.now())) {
      race.hurry = false;
      next_attempt = Deadline(loop.now() + delay);
      SocketAddress address = std::move(race.left.front());
      race.left.pop_front();
      attempts.spawn(attempt, std::ref(race), std::move(address));
    }
    if (race.winner) co_return std::move(*race.winner);
    if (race.left.empty() && attempts.empty() && !race.more_to_come()) co_return fail(outcome(race, true));
    if (race.hurry && !race.left.empty()) continue;
    const Deadline wake_at = race.left.empty() ? request.deadline : std::min(request.deadline, next_attempt);
    const Wake wake = co_await race.progress.wait(loop, wake_at);
    if (wake == Wake::kTimeout && wake_at == request.deadline && !race.winner) co_return fail(outcome(race, false));
  }
}

}  // namespace sluice::worker
