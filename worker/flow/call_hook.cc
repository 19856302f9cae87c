// See call_hook.h.
#include "worker/flow/call_hook.h"

#include <exception>

#include "worker/telemetry/metrics.h"

namespace sluice::worker {
namespace {

// Called inside a catch block: what was thrown, as one of our errors.
Error thrown(const Services& services, HookKind kind) {
  std::string what = "something that is not a std::exception";
  try {
    throw;
  } catch (const std::bad_alloc&) {
    check_failed("memory", "an application hook ran out of memory", __FILE__, __LINE__);
  } catch (const std::exception& exception) {
    what = exception.what();
  } catch (...) {  // NOLINT(bugprone-empty-catch): the text above says so
  }
  services.metrics.hook_decided(kind, Verdict::kFailed);
  services.log.error("hook failed", {{"hook", name(kind)}, {"error", what}});
  return Error(Code::kInternal, "a hook failed");
}

}  // namespace

Task<Result<>> call_ingress(const Services& services, detail::ConnectionCore& connection) {
  try {
    const IngressDecision decision = co_await services.hooks.ingress->call_connect(connection);
    services.metrics.hook_decided(HookKind::kIngress, decision.accepts() ? Verdict::kAllowed : Verdict::kBlocked);
    if (!decision.accepts()) co_return fail(Code::kForbidden, decision.why());
  } catch (...) {
    co_return fail(thrown(services, HookKind::kIngress));
  }
  co_return Result<>();
}

Task<Result<HttpDecision>> call_http_request(const Services& services, detail::ExchangeCore& exchange) {
  try {
    HttpDecision decision = co_await services.hooks.http->call_request(exchange);
    const bool forwards = decision.kind() == HttpDecision::Kind::kForward;
    services.metrics.hook_decided(HookKind::kHttp, forwards ? Verdict::kAllowed : Verdict::kAnswered);
    co_return decision;
  } catch (...) {
    co_return fail(thrown(services, HookKind::kHttp));
  }
}

Result<> call_http_response(const Services& services, detail::ExchangeCore& exchange, http::ResponseHead& head) {
  try {
    services.hooks.http->call_response(exchange, head);
  } catch (...) {
    return fail(thrown(services, HookKind::kHttp));
  }
  return {};
}

Task<Result<EgressDecision>> call_egress(const Services& services, detail::DialCore& dial) {
  try {
    EgressDecision decision = co_await services.hooks.egress->call_dial(dial);
    const bool refused = decision.kind() == EgressDecision::Kind::kRefuse;
    services.metrics.hook_decided(HookKind::kEgress, refused ? Verdict::kBlocked : Verdict::kAllowed);
    co_return decision;
  } catch (...) {
    co_return fail(thrown(services, HookKind::kEgress));
  }
}

}  // namespace sluice::worker
