// The part of an exchange that gets a connection to the server that was chosen: an idle one, a new one, or over HTTP/2
// a stream of one that others use too. See exchange.h.
#include "base/scope.h"
#include "worker/flow/exchange.h"
#include "worker/flow/introduce.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {
namespace {

// Counts a connection that is being opened as closed, unless it came to be used.
class Opening {
 public:
  Opening(PathMetrics& metrics, UpstreamIndex upstream, const std::unique_ptr<Http2Origin>& origin)
      : metrics_(metrics), upstream_(upstream), origin_(origin) {}
  Opening(Opening&&) = delete;
  ~Opening() {
    if (origin_ != nullptr) metrics_.origin_closed(upstream_);
  }

 private:
  PathMetrics& metrics_;
  UpstreamIndex upstream_;
  const std::unique_ptr<Http2Origin>& origin_;
};

}  // namespace

Http2OriginSettings http2_settings(const OriginServer& server, const ipc::HttpSettings& http) {
  Http2OriginSettings settings;
  settings.limits.head = static_cast<std::uint32_t>(http.head_limit.bytes());
  settings.limits.fields = http.field_limit;
  settings.limits.trailers = static_cast<std::uint32_t>(http.trailer_limit.bytes());
  settings.limits.stream_window = static_cast<std::uint32_t>(server.http().stream_window.bytes());
  settings.streams = server.http().streams;
  settings.write_timeout = server.settings().write_timeout;
  settings.ping_interval = server.http().ping_interval;
  settings.ping_timeout = server.http().ping_timeout;
  return settings;
}

Task<Result<Exchange::OriginLink>> Exchange::acquire(const Destination& destination, OriginServer& server) {
  if (server.shared() != nullptr) {
    Result<OriginLink> link = co_await share(destination, server);
    co_return link;
  }
  OriginLink link;
  link.own = take_idle(server);
  if (link.own != nullptr) co_return link;
  destination.group->make_room(services_.metrics);
  Result<std::unique_ptr<OriginConnection>> fresh = co_await dial(destination, server);
  if (!fresh) co_return fail(std::move(fresh.error()));
  link.own = std::move(*fresh);
  co_return link;
}

std::unique_ptr<OriginConnection> Exchange::take_idle(OriginServer& server) {
  std::unique_ptr<OriginConnection> idle =
      server.take(services_.loop.now(), repeatable() ? IfDead::kTryAgain : IfDead::kLost, services_.metrics);
  record_.origin_reused = idle != nullptr;
  if (idle != nullptr) services_.metrics.origin_reused(server.upstream());
  return idle;
}

Task<Result<std::unique_ptr<OriginConnection>>> Exchange::dial(const Destination& destination,
                                                               const OriginServer& server) {
  stage_ = Stage::kConnecting;
  slot_.state(ipc::ConnectionState::kDialing);
  const Nanos before = services_.loop.now();
  std::string introduction = worker::introduction(destination.group->settings().send_proxy, connection_);
  Result<std::unique_ptr<OriginConnection>> fresh =
      co_await connect_origin(services_, core_, server, destination.chosen_by(), std::move(introduction));
  record_.dial += services_.loop.now() - before;
  co_return fresh;
}

// Over HTTP/2: a stream where there is room; otherwise one dials, and the others wait for what comes of it.
Task<Result<Exchange::OriginLink>> Exchange::share(const Destination& destination, OriginServer& server) {
  SharedConnections& shared = *server.shared();
  UpstreamGroup& group = *destination.group;
  const auto may_dial = [&] {
    return server.chose_http1() || (!shared.dialling() && group.may_share_another(server, services_.metrics));
  };
  OriginLink link;
  link.shared = shared.take(server.settings().pool, services_.loop.now());
  if (!link.shared) link.own = take_idle(server);
  if (link.own != nullptr) co_return link;
  if (!link.shared && !may_dial()) {
    Result<Http2Place> place = co_await wait_for_stream(group, server);
    if (!place) co_return fail(std::move(place.error()));
    link.shared = std::move(*place);
  }
  if (link.shared) {
    record_.origin_reused = link.shared.origin().connection().requests != 0;
    if (record_.origin_reused) services_.metrics.origin_reused(server.upstream());
    co_return link;
  }
  Result<OriginLink> fresh = co_await dial_to_share(destination, server);
  co_return fresh;
}

// An empty place: it is for us to dial.
Task<Result<Http2Place>> Exchange::wait_for_stream(UpstreamGroup& group, OriginServer& server) {
  SharedConnections& shared = *server.shared();
  const ipc::QueueSettings& queue = server.settings().queue;
  const bool dialling = shared.dialling();
  if (!dialling && shared.line().size() >= queue.length) {
    services_.metrics.upstream_refused(group.index(), UpstreamRefused::kQueueFull);
    co_return fail(Error(Code::kOverload, group.name() + ": all connections are full, and so is the queue"));
  }
  slot_.state(dialling ? ipc::ConnectionState::kDialing : ipc::ConnectionState::kQueued);
  stage_ = Stage::kConnecting;
  const Deadline deadline = services_.loop.in(dialling ? server.settings().connect_total_timeout : queue.timeout);
  const std::uint64_t failures = shared.failures();
  WaitingLine::Visitor visitor(shared.line());
  Scope watch;
  if (framing_.empty()) watch.spawn([this, &visitor] { return dismiss_when_left(visitor); });
  for (;;) {
    const Wake wake = co_await visitor.turn(services_.loop, deadline);
    if (visitor.dismissed())
      co_return fail(Error(Code::kClosed, "the client went away while it waited for a connection").from(Side::kClient));
    if (wake == Wake::kTimeout) {
      services_.metrics.upstream_refused(group.index(), UpstreamRefused::kQueueExpired);
      co_return fail(Error(Code::kOverload, group.name() + ": no connection had room in time"));
    }
    Http2Place place = shared.take(server.settings().pool, services_.loop.now());
    if (place) co_return place;
    if (shared.failures() != failures) co_return fail(Error(*shared.failure()));
    if (!shared.dialling() && group.may_share_another(server, services_.metrics)) co_return Http2Place();
    visitor.stay();
  }
}

Task<Result<Exchange::OriginLink>> Exchange::dial_to_share(const Destination& destination, OriginServer& server) {
  SharedConnections& shared = *server.shared();
  SharedConnections::Dial dialling(shared);
  record_.origin_reused = false;
  Result<std::unique_ptr<OriginConnection>> fresh = co_await dial(destination, server);
  if (!fresh) {
    // what a hook says of this request is not for others
    if (fresh.error().side() == Side::kOrigin) dialling.failed(fresh.error());
    co_return fail(std::move(fresh.error()));
  }
  OriginLink link;
  const TlsStream* const tls = (*fresh)->tls();
  if (tls != nullptr && tls->protocol() != "h2") {
    server.chose(ipc::HttpVersion::kHttp1);
    link.own = std::move(*fresh);
    if (server.http().speaks(ipc::HttpVersion::kHttp1)) co_return link;
    services_.metrics.origin_closed(server.upstream());
    Error error = Error(Code::kTlsProtocol, "the server does not speak HTTP/2").from(Side::kOrigin).retry(Retry::kYes);
    dialling.failed(error);
    co_return fail(std::move(error));
  }
  server.chose(ipc::HttpVersion::kHttp2);
  std::unique_ptr<Http2Origin> origin =
      std::make_unique<Http2Origin>(services_.loop, std::move(*fresh), http2_settings(server, endpoint_.settings.http));
  const Opening counted(services_.metrics, server.upstream(), origin);
  const Nanos before = services_.loop.now();
  Result<> opened = co_await origin->open(services_.loop.in(server.settings().connect_timeout));
  record_.dial += services_.loop.now() - before;
  if (opened && !origin->has_room())
    opened = fail(Error(Code::kOverload, "the origin allows no streams").from(Side::kOrigin));
  if (!opened) {
    Error error = std::move(opened.error()).retry(Retry::kYes);
    services_.metrics.origin_failed(server.upstream(), error.code());
    dialling.failed(error);
    co_return fail(std::move(error));
  }
  link.shared = shared.add(std::move(origin), services_.metrics);
  co_return link;
}

}  // namespace sluice::worker
