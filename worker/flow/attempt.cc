// The part of an exchange that finds a server and a connection, and tries again where that is safe. See exchange.h.
#include <fmt/format.h>

#include <array>

#include "base/scope.h"
#include "worker/flow/exchange.h"
#include "worker/flow/introduce.h"
#include "worker/offramp/balance_key.h"
#include "worker/offramp/origin_count.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {
namespace {
constexpr int kMostAttempts = 3;

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

Error overload(const UpstreamGroup& group, std::string_view what) {
  return Error(Code::kOverload, group.name().empty() ? std::string(what) : fmt::format("{}: {}", group.name(), what));
}
}  // namespace

Task<Result<>> Exchange::forward(const Destination& destination) {
  UpstreamGroup& group = *destination.group;
  Wanted wanted;
  if (group.settings().balance == ipc::Balance::kHash)  // of the request as it came
    wanted.key = balance_key(group.settings().hash, request_, core_.connection.peer);
  if (Result<> prepared = prepare_request(); !prepared) co_return prepared;
  std::array<const Member*, kMostAttempts> tried{};
  std::size_t failed = 0;
  Result<> done;
  for (int number = 1;; ++number) {
    Place place = number > 1 || group.line().empty() ? group.take_place(wanted) : Place();
    if (!place) {
      if (number > 1) co_return done;  // nobody else has room: what went wrong is the answer
      Result<Place> waited = co_await wait_for_place(group, wanted);
      if (!waited) co_return fail(std::move(waited.error()));
      place = std::move(*waited);
    }
    done = co_await attempt(destination, place);
    if (done || number == kMostAttempts || client_.answered() || !may_try_again(done.error())) co_return done;
    // any connection may die; a server that cannot be connected to is not asked again
    if (done.error().retry() == Retry::kYes) tried.at(failed++) = &place.member();
    wanted.tried = std::span(tried).first(failed);
  }
}

// What is safe: when nothing was sent, another server; when a reused connection died before its first answer byte under
// a request that may be repeated, another connection (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1).
bool Exchange::may_try_again(const Error& error) const {
  if (error.retry() == Retry::kYes) return true;
  return error.retry() == Retry::kIfReused && record_.origin_reused && framing_.empty() &&
         http::is_idempotent(request_.method());
}

Task<Result<>> Exchange::attempt(const Destination& destination, Place& place) {
  OriginServer& server = place.server();
  record_.upstream = server.upstream();
  origin_text_.clear();
  if (destination.group->settings().host_header == ipc::HostHeader::kServer) {
    const Result<> changed = request_.set_authority(HostPort{.host = server.host(), .port = server.port()}.text());
    if (!changed) co_return changed;
  }
  Result<std::unique_ptr<OriginConnection>> connection = co_await acquire(destination, server);
  if (!connection) co_return fail(std::move(connection.error()));
  origin_text_ = (*connection)->address().text();
  const OriginCount counted(services_.metrics, server.upstream(), *connection);
  Result<> done = co_await exchange_on(server, *connection);
  co_return done;
}

Task<Result<std::unique_ptr<OriginConnection>>> Exchange::acquire(const Destination& destination,
                                                                  OriginServer& server) {
  const bool repeatable = framing_.empty() && http::is_idempotent(request_.method());
  if (std::unique_ptr<OriginConnection> idle =
          server.take(services_.loop.now(), repeatable ? IfDead::kTryAgain : IfDead::kLost, services_.metrics)) {
    services_.metrics.origin_reused(server.upstream());
    record_.origin_reused = true;
    co_return idle;
  }
  record_.origin_reused = false;
  stage_ = Stage::kConnecting;
  connection_.slot.state(ipc::ConnectionState::kDialing);
  destination.group->make_room(services_.metrics);
  Result<std::unique_ptr<OriginConnection>> fresh =
      co_await connect_origin(services_, core_, server, destination.chosen_by());
  if (const ipc::SendProxy form = destination.group->settings().send_proxy; fresh && form != ipc::SendProxy::kOff)
    (*fresh)->introduce(introduction(form, connection_));
  co_return fresh;
}

Task<> Exchange::dismiss_when_left(WaitingLine::Visitor& visitor) {
  co_await client_.left();
  visitor.dismiss();
}

// Stands in the group's line until it has a place. A client that leaves meanwhile takes its request with it.
Task<Result<Place>> Exchange::wait_for_place(UpstreamGroup& group, const Wanted& wanted) {
  const ipc::QueueSettings& queue = group.settings().off_ramp.queue;
  if (group.line().size() >= queue.length) {
    services_.metrics.queue_refused(group.index(), QueueRefused::kFull);
    co_return fail(overload(group, "all places are taken and the queue is full"));
  }
  connection_.slot.state(ipc::ConnectionState::kQueued);
  const Queued counted(services_.metrics, group.index());
  const Deadline deadline = services_.loop.in(queue.timeout);
  WaitingLine::Visitor visitor(group.line());
  Scope watch;
  if (framing_.empty()) watch.spawn([this, &visitor] { return dismiss_when_left(visitor); });
  for (;;) {
    const Wake wake = co_await visitor.turn(services_.loop, deadline);
    if (visitor.dismissed()) {
      services_.metrics.queue_refused(group.index(), QueueRefused::kClientLeft);
      co_return fail(Error(Code::kClosed, "the client went away while it was queued").from(Side::kClient));
    }
    if (wake == Wake::kTimeout) {
      services_.metrics.queue_refused(group.index(), QueueRefused::kExpired);
      co_return fail(overload(group, "no place became free in time"));
    }
    if (Place place = group.take_place(wanted)) co_return place;
    visitor.stay();
  }
}

}  // namespace sluice::worker
