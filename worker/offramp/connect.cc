// See connect.h. The addresses that hook and policy have let through are the ones that are dialled: no second look-up
// in between (DNS rebinding).
#include "worker/offramp/connect.h"

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

}  // namespace

Task<Result<std::unique_ptr<OriginConnection>>> connect_origin(const Services& services, detail::ExchangeCore& exchange,
                                                               const OriginServer& server, ChosenBy chosen_by) {
  const Nanos started = services.loop.now();
  const Deadline deadline = services.loop.in(server.settings().connect_timeout);
  const auto failed = [&](Error error) {
    services.metrics.origin_failed(server.upstream(), error.code());
    return fail(std::move(error).from(Side::kOrigin).retry(Retry::kYes));
  };
  const Result<Addresses> addresses = co_await services.resolver.resolve(server.host(), deadline);
  if (!addresses) co_return failed(addresses.error());

  std::vector<SocketAddress> candidates;
  std::optional<Error> refused;
  for (const ResolvedAddress& resolved : *addresses) {
    detail::DialCore dial{
        .exchange = exchange, .host = server.host(), .address = SocketAddress(resolved.ip, server.port())};
    Result<> permitted = co_await permit(services, dial, chosen_by);
    if (permitted) {
      candidates.push_back(std::move(dial.address));
    } else {
      refused = std::move(permitted.error());
    }
  }
  if (candidates.empty()) {
    if (!refused) co_return failed(Error(Code::kDnsFailure, "no address"));
    services.metrics.origin_failed(server.upstream(), refused->code());
    co_return fail(std::move(*refused));
  }

  DialRequest request;
  request.candidates = candidates;
  request.connect_timeout = server.settings().connect_timeout;
  request.deadline = deadline;
  Result<Connected> connected = co_await dial(services.loop, request);
  if (!connected) co_return failed(std::move(connected.error()));
  services.metrics.origin_connected(server.upstream(), services.loop.now() - started);
  co_return std::make_unique<OriginConnection>(services.loop, std::move(connected->fd), std::move(connected->peer));
}

}  // namespace sluice::worker
