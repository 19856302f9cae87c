// The part of an exchange that finds a server and a connection, and tries again where that is safe. See exchange.h.
#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "base/scope.h"
#include "worker/flow/exchange.h"
#include "worker/offramp/balance_key.h"
#include "worker/offramp/http2_exchange.h"
#include "worker/offramp/origin_count.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {
namespace {

// Counts itself in the gauge for as long as it stands in line, however that ends.
class Queued {
 public:
  Queued(PathMetrics& metrics, UpstreamIndex upstream) : metrics_(metrics), upstream_(upstream) {
    metrics_.queue_joined(upstream_);
  }
  Queued(Queued&&) = delete;
  ~Queued() { metrics_.queue_left(upstream_); }

 private:
  PathMetrics& metrics_;
  UpstreamIndex upstream_;
};

http1::HeadLimits response_limits(const ipc::HttpSettings& settings) {
  return {.head = static_cast<std::uint32_t>(settings.head_limit.bytes()), .fields = settings.field_limit};
}

Error overload(const UpstreamGroup& group, std::string_view what) {
  return Error(Code::kOverload, group.name().empty() ? std::string(what) : fmt::format("{}: {}", group.name(), what));
}
}  // namespace

Task<Result<>> Exchange::forward(const Destination& destination) {
  UpstreamGroup& group = *destination.group;
  record_.upstream = group.index();
  if (!group.admits(services_.loop.now())) {
    services_.metrics.upstream_refused(group.index(), UpstreamRefused::kCircuitOpen);
    co_return fail(Error(Code::kUnavailable, group.name() + ": the circuit is open"));
  }
  Attempts attempts;
  if (group.settings().balance == ipc::Balance::kHash)  // of the request as it came
    attempts.wanted.key = balance_key(group.settings().hash, request_, core_.client());
  if (Result<> prepared = prepare_request(); !prepared) co_return prepared;
  Place place = group.line().empty() ? group.take_place(attempts.wanted, services_.loop.now()) : Place();
  if (!place) {
    const Nanos before = services_.loop.now();
    Result<Place> waited = co_await wait_for_place(group, attempts.wanted);
    record_.queued += services_.loop.now() - before;
    if (!waited) co_return fail(std::move(waited.error()));
    place = std::move(*waited);
  }
  for (;;) {
    Result<> done = co_await attempt(destination, attempts, place);
    if (done || client_.answered()) co_return done;
    if (!attempts.next && !may_try_again(done.error(), group, attempts, place)) co_return done;
    if (attempts.next) place = std::move(attempts.next);
    ++attempts.number;
    services_.metrics.retried(group.index());
  }
}

// What is safe: when nothing was sent, another server; when a reused connection died before its first answer byte under
// a request that may be repeated, another connection (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1); when the server
// has not looked at it, any request whose body is still whole (RFC 9113 section 8.7).
bool Exchange::may_try_again(const Error& error, UpstreamGroup& group, Attempts& attempts, Place& place) {
  if (attempts.number >= group.settings().retry.attempts) return false;
  if (error.retry() == Retry::kYes) {
    attempts.add_tried(place.member());
    place = Place();  // it may be the last that a limit allows
    attempts.next = group.take_place(attempts.wanted, services_.loop.now());
    return attempts.next && within_budget(group, attempts);
  }
  // the place is kept: any connection may die, and a stream may be refused
  if (error.retry() == Retry::kUnprocessed)
    return client_.request_body().passed() == 0 && within_budget(group, attempts);
  return error.retry() == Retry::kIfReused && record_.origin_reused && repeatable() && within_budget(group, attempts);
}

// The origin's answer may be thrown away for another server's. The place there is taken first: without one, this answer
// is the answer.
bool Exchange::may_ask_another(UpstreamGroup& group, Attempts& attempts, const Place& place) {
  const ipc::RetrySettings& retry = group.settings().retry;
  if (std::ranges::find(retry.statuses, response_.status()) == retry.statuses.end()) return false;
  if (!repeatable() || attempts.number >= retry.attempts) return false;
  attempts.add_tried(place.member());
  attempts.next = group.take_place(attempts.wanted, services_.loop.now());
  return attempts.next && within_budget(group, attempts);
}

bool Exchange::within_budget(UpstreamGroup& group, Attempts& attempts) {
  if (group.may_retry(services_.loop.now())) return true;
  services_.metrics.retry_denied(group.index());
  attempts.next = Place();
  return false;
}

bool Exchange::repeatable() const {
  return framing_.empty() && http::is_idempotent(request_.method());
}

Task<Result<>> Exchange::attempt(const Destination& destination, Attempts& attempts, Place& place) {
  OriginServer& server = place.server();
  ++place.member().requests;
  origin_.reset();
  // a client of HTTP/1.0 need not name a host; an origin of HTTP/1.1 must be told one
  if (destination.group->settings().host_header == ipc::HostHeader::kServer || request_.authority().text.empty()) {
    const Result<> changed = request_.set_authority(HostPort{.host = server.host(), .port = server.port()}.text());
    if (!changed) co_return changed;
  }
  Result<OriginLink> link = co_await acquire(destination, server);
  if (!link) {
    if (link.error().side() == Side::kOrigin)
      destination.group->failed(place.member(), link.error(), services_.loop.now());
    co_return fail(std::move(link.error()));
  }
  const OriginCount counted(services_.metrics, server.upstream(), link->own);
  std::variant<std::monostate, OriginExchange, Http2Exchange> sides;
  OriginSide* origin = nullptr;
  if (link->own != nullptr) {
    origin_ = link->own->address();
    origin = &sides.emplace<OriginExchange>(*link->own, server.timeouts(), response_limits(endpoint_.settings.http));
  } else {
    origin_ = link->shared.origin().connection().address();
    origin = &sides.emplace<Http2Exchange>(link->shared.origin(), server.timeouts());
  }
  Result<> done = co_await exchange_on(*destination.group, attempts, place, *origin);
  account_for(*destination.group, place.member(), done);
  if (auto* const http1 = std::get_if<OriginExchange>(&sides)) {
    http1->settle();
    if (done && http1->reusable()) server.give_back(std::move(link->own), services_.loop.now(), services_.metrics);
  }
  co_return done;
}

// What the attempt says about the server's health. A tunnel that breaks says nothing, nor does a kept connection that
// the server closed in the moment we used it, or that it had said goodbye on.
void Exchange::account_for(UpstreamGroup& group, Member& member, const Result<>& done) const {
  const Nanos now = services_.loop.now();
  if (done || record_.kind == AccessRecord::Kind::kTunnel) {
    const std::vector<std::uint16_t>& bad = group.settings().health.passive.statuses;
    if (bad.empty() || std::ranges::find(bad, response_.status()) == bad.end()) {
      group.succeeded(member, now);
    } else {
      group.failed(member, Error(Code::kUnavailable, fmt::format("status {}", response_.status())), now);
    }
    return;
  }
  const Retry retry = done.error().retry();
  const bool stale = (retry == Retry::kIfReused && record_.origin_reused) ||
                     (retry == Retry::kUnprocessed && done.error().code() == Code::kClosed);
  if (done.error().side() == Side::kOrigin && !stale) group.failed(member, done.error(), now);
}

Task<> Exchange::dismiss_when_left(WaitingLine::Visitor& visitor) {
  co_await client_.left();
  visitor.dismiss();
}

// Stands in the group's line until it has a place. A client that leaves meanwhile takes its request with it.
Task<Result<Place>> Exchange::wait_for_place(UpstreamGroup& group, const Wanted& wanted) {
  const ipc::QueueSettings& queue = group.settings().off_ramp.queue;
  if (!group.serves()) {
    services_.metrics.upstream_refused(group.index(), UpstreamRefused::kNoServer);
    co_return fail(Error(Code::kUnavailable, group.name() + ": no server is well"));
  }
  if (group.line().size() >= queue.length) {
    services_.metrics.upstream_refused(group.index(), UpstreamRefused::kQueueFull);
    co_return fail(overload(group, "all places are taken and the queue is full"));
  }
  slot_.state(ipc::ConnectionState::kQueued);
  const Queued counted(services_.metrics, group.index());
  const Deadline deadline = services_.loop.in(queue.timeout);
  WaitingLine::Visitor visitor(group.line());
  Scope watch;
  if (framing_.empty()) watch.spawn([this, &visitor] { return dismiss_when_left(visitor); });
  for (;;) {
    const Wake wake = co_await visitor.turn(services_.loop, deadline);
    if (visitor.dismissed()) {
      services_.metrics.upstream_refused(group.index(), UpstreamRefused::kClientLeft);
      co_return fail(Error(Code::kClosed, "the client went away while it was queued").from(Side::kClient));
    }
    if (wake == Wake::kTimeout) {
      services_.metrics.upstream_refused(group.index(), UpstreamRefused::kQueueExpired);
      co_return fail(overload(group, "no place became free in time"));
    }
    if (Place place = group.take_place(wanted, services_.loop.now())) co_return place;
    visitor.stay();
  }
}

}  // namespace sluice::worker
