// See health_check.h.
#include "worker/offramp/health_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "proto/proxy_protocol/header.h"
#include "worker/offramp/dial.h"
#include "worker/offramp/http2_exchange.h"
#include "worker/offramp/resolver.h"

namespace sluice::worker {
namespace {

constexpr int kMostInterim = 8;

bool is_well(const ipc::ActiveHealthSettings& settings, std::uint16_t status) {
  if (settings.statuses.empty()) return status >= 200 && status < 400;
  return std::ranges::find(settings.statuses, status) != settings.statuses.end();
}

// A PROXY header that tells of no client: LOCAL, or UNKNOWN.
std::string of_our_own(ipc::SendProxy form) {
  return proxy_protocol::write(
      form == ipc::SendProxy::kV1 ? proxy_protocol::Version::kV1 : proxy_protocol::Version::kV2, std::nullopt);
}

}  // namespace

Millis HealthCheck::spread(Millis interval) {
  constexpr int kPercent = 100;
  constexpr std::uint32_t kRange = 21;
  return interval * (90 + random_.below(kRange)) / kPercent;
}

Task<> HealthCheck::watch(UpstreamGroup& group, Member& member) {
  const ipc::UpstreamSettings& upstream = group.settings();
  const ipc::ActiveHealthSettings& settings = upstream.health.active;
  // the first ones soon, but not those of all servers and workers at once
  constexpr Millis kSoon(1000);
  const Millis first = std::min(settings.interval, kSoon);
  co_await loop_.sleep(Millis(random_.below(static_cast<std::uint32_t>(first.count()))));
  for (;;) {
    const Result<> done = co_await probe(upstream, *member.server);
    group.probed(member, done, loop_.now());
    co_await loop_.sleep(spread(settings.interval));
  }
}

Task<Result<>> HealthCheck::probe(const ipc::UpstreamSettings& upstream, const OriginServer& server) {
  const ipc::ActiveHealthSettings& settings = upstream.health.active;
  const Deadline deadline = loop_.in(settings.timeout);
  const Result<Addresses> addresses = co_await resolver_.resolve(server.host(), deadline);
  if (!addresses) co_return fail(addresses.error());
  const std::vector<SocketAddress> candidates = with_port(*addresses, server.port());
  DialRequest request;
  request.candidates = candidates;
  request.sources = &server.sources();
  request.connect_timeout = settings.timeout;
  request.deadline = deadline;
  Result<Connected> connected = co_await dial(loop_, request);
  if (!connected) co_return fail(std::move(connected.error()));
  if (settings.path.empty() && server.tls() == nullptr) co_return Result<>();
  auto connection = std::make_unique<OriginConnection>(loop_, std::move(*connected));
  if (upstream.send_proxy != ipc::SendProxy::kOff) connection->introduce(of_our_own(upstream.send_proxy));
  if (server.tls() != nullptr) {
    Result<> secured = co_await connection->secure(server.tls(), server.host(), server.sessions(), deadline);
    if (!secured || settings.path.empty()) co_return secured;
  }
  co_return co_await ask(upstream, server, std::move(connection), deadline);
}

// In the version that requests have.
Task<Result<>> HealthCheck::ask(const ipc::UpstreamSettings& upstream, const OriginServer& server,
                                std::unique_ptr<OriginConnection> connection, Deadline deadline) {
  const Millis left = std::chrono::ceil<Millis>(deadline.since_boot() - loop_.now());
  const Millis time = std::max(left, Millis(1));
  const OriginTimeouts timeouts{.first_byte = time, .idle = time, .write = time};
  const TlsStream* const tls = connection->tls();
  const bool http2 = tls != nullptr ? tls->protocol() == "h2" : upstream.http.speaks(ipc::HttpVersion::kHttp2);
  if (!http2 && !upstream.http.speaks(ipc::HttpVersion::kHttp1))
    co_return fail(Error(Code::kTlsProtocol, "the server does not speak HTTP/2").from(Side::kOrigin));
  if (!http2) {
    OriginExchange exchange(*connection, timeouts, http1::HeadLimits());
    co_return co_await ask_on(upstream, server, exchange);
  }
  Http2OriginSettings settings;
  settings.ping_interval = Millis(0);
  Http2Origin origin(loop_, std::move(connection), settings);
  Result<> opened = co_await origin.open(deadline);
  if (!opened) co_return opened;
  Http2Exchange exchange(origin, timeouts);
  co_return co_await ask_on(upstream, server, exchange);
}

Task<Result<>> HealthCheck::ask_on(const ipc::UpstreamSettings& upstream, const OriginServer& server,
                                   OriginSide& origin) {
  const ipc::ActiveHealthSettings& settings = upstream.health.active;
  http::RequestHead request;
  const std::string host =
      settings.host.empty() ? HostPort{.host = server.host(), .port = server.port()}.text() : settings.host;
  if (!request.start("GET", settings.path, http::Version::kHttp11)) co_return fail(Code::kBadConfig, "no path");
  request.fields().add(http::FieldId::kHost, host);
  request.fields().add(http::FieldId::kUserAgent, "sluice health check");
  request.fields().add(http::FieldId::kConnection, "close");
  if (!request.settle_host()) co_return fail(Code::kBadConfig, "no host");
  Result<> sent = co_await origin.send(request, http::TargetForm::kOrigin, nullptr, http1::Framing());
  if (!sent) co_return sent;
  http::ResponseHead response;
  for (int interim = 0; interim <= kMostInterim; ++interim) {
    Result<> read = co_await origin.read_head(response);
    if (!read) co_return read;
    if (http::is_informational(response.status())) continue;
    if (is_well(settings, response.status())) co_return Result<>();
    co_return fail(Error(Code::kUnavailable, fmt::format("status {}", response.status())).from(Side::kOrigin));
  }
  co_return fail(Error(Code::kBadSyntax, "too many interim responses").from(Side::kOrigin));
}

}  // namespace sluice::worker
