// See connect.h. The addresses that hook and policy have let through are the ones that are dialled: no second look-up
// in between (DNS rebinding). Dialling begins with the family that is there (RFC 8305 section 3); when the other one
// comes, hook and policy are asked about it in its turn, and what they let through joins the race.
#include "worker/offramp/connect.h"

#include <algorithm>
#include <functional>

#include "base/scope.h"
#include "worker/flow/call_hook.h"
#include "worker/offramp/dial.h"
#include "worker/offramp/egress_policy.h"
#include "worker/offramp/resolver.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {
namespace {

Task<Result<>> permit(const Services& services, detail::DialCore& dial, ChosenBy chosen_by) {
  const EgressPolicy& policy = services.egress_policy;
  if (services.hooks.egress != nullptr) {
    const Result<EgressDecision> decision = co_await call_egress(services, dial);
    if (!decision) co_return fail(decision.error());
    switch (decision->kind()) {
      case EgressDecision::Kind::kRefuse:
        co_return fail(Code::kDestinationForbidden, decision->why());
      case EgressDecision::Kind::kAllow:
        co_return policy.check_denied(dial.address);
      case EgressDecision::Kind::kByPolicy:
        break;
    }
  }
  if (chosen_by == ChosenBy::kConfiguration) co_return Result<>();
  co_return policy.check(dial.address);
}

// What the steps of one call of connect_origin() share.
struct Way {
  Way(const Services& services, detail::ExchangeCore& exchange, const OriginServer& server, ChosenBy chosen_by)
      : services(services), exchange(exchange), server(server), chosen_by(chosen_by) {}

  const Services& services;
  detail::ExchangeCore& exchange;
  const OriginServer& server;
  ChosenBy chosen_by;
  std::vector<IpAddress> asked;  // hook and policy know these
  Signal first_asked;            // … the first ones: hooks are asked about one address at a time
  bool some_permitted = false;
  std::optional<Error> refused;
};

Task<std::vector<SocketAddress>> permitted_of(Way& way, const Addresses& addresses) {
  std::vector<SocketAddress> candidates;
  for (const ResolvedAddress& resolved : addresses) {
    if (std::ranges::find(way.asked, resolved.ip) != way.asked.end()) continue;
    way.asked.push_back(resolved.ip);
    detail::DialCore dial{
        .exchange = way.exchange, .host = way.server.host(), .address = SocketAddress(resolved.ip, way.server.port())};
    Result<> permitted = co_await permit(way.services, dial, way.chosen_by);
    if (permitted) {
      candidates.push_back(std::move(dial.address));
      way.some_permitted = true;
    } else {
      way.refused = std::move(permitted.error());
    }
  }
  co_return candidates;
}

Task<> add_rest(Way& way, LateCandidates& late, Deadline deadline) {
  const Addresses rest = co_await way.services.resolver.rest(way.server.host(), deadline);
  co_await way.first_asked.wait(way.services.loop, Deadline::never());
  std::vector<SocketAddress> more = co_await permitted_of(way, rest);
  late.add(std::move(more));
  late.finish();
}

// Whose fault it is that there is no connection, and whether another server is worth a try. Nothing has been sent.
Error blamed(Error error, ChosenBy chosen_by) {
  switch (error.code()) {
    case Code::kBadSyntax:  // not a name that resolves: whoever wrote it
      return std::move(error).from(chosen_by == ChosenBy::kClient ? Side::kClient : Side::kUs).retry(Retry::kNo);
    case Code::kOverload:  // look-ups, descriptors or memory of ours: trying on would need more of them
    case Code::kInternal:
      return std::move(error).from(Side::kUs).retry(Retry::kNo);
    case Code::kDestinationForbidden:
      return std::move(error).from(Side::kUs).retry(Retry::kNo);
    default:
      return std::move(error).from(Side::kOrigin).retry(Retry::kYes);
  }
}

}  // namespace

Task<Result<std::unique_ptr<OriginConnection>>> connect_origin(const Services& services, detail::ExchangeCore& exchange,
                                                               const OriginServer& server, ChosenBy chosen_by,
                                                               std::string introduction) {
  const Nanos started = services.loop.now();
  const Deadline deadline = services.loop.in(server.settings().connect_total_timeout);
  const auto failed = [&](Error error) {
    services.metrics.origin_failed(server.upstream(), error.code());
    return fail(blamed(std::move(error), chosen_by));
  };
  const Result<Addresses> addresses = co_await services.resolver.resolve_first(server.host(), deadline);
  if (!addresses) co_return failed(addresses.error());

  Way way(services, exchange, server, chosen_by);
  LateCandidates late;
  Scope looking;
  DialRequest request;
  if (services.resolver.is_asking(server.host())) {
    looking.spawn(add_rest, std::ref(way), std::ref(late), deadline);
    request.late = &late;
  }
  const std::vector<SocketAddress> candidates = co_await permitted_of(way, *addresses);
  way.first_asked.set();
  request.candidates = candidates;
  request.sources = &server.sources();
  request.connect_timeout = server.settings().connect_timeout;
  request.deadline = deadline;
  Result<Connected> connected = co_await dial(services.loop, request);
  if (!connected) {
    if (way.some_permitted || !way.refused) co_return failed(std::move(connected.error()));
    services.metrics.origin_failed(server.upstream(), way.refused->code());
    co_return fail(std::move(*way.refused));
  }
  auto connection = std::make_unique<OriginConnection>(services.loop, std::move(*connected));
  connection->introduce(std::move(introduction));
  if (server.tls() != nullptr) {
    Result<> secured = co_await connection->secure(server.tls(), server.host(), server.sessions(), Deadline::never());
    if (!secured) co_return failed(std::move(secured.error()));
    services.metrics.origin_secured(server.upstream(),
                                    connection->tls()->resumed() ? Handshake::kResumed : Handshake::kFull);
  }
  services.metrics.origin_connected(server.upstream(), services.loop.now() - started);
  co_return connection;
}

}  // namespace sluice::worker
