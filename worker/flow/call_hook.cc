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

// An application that keeps something for a connection, and does not say what is to become of it, would find it gone.
Result<std::string> call_hand_over(const Services& services, detail::ConnectionCore& connection, HandOverKind what) {
  if (services.hooks.handover == nullptr) {
    const bool keeps = services.hooks.connection_context.make != nullptr ||
                       (what == HandOverKind::kTunnel && services.hooks.request_context.make != nullptr);
    if (keeps) return fail(Code::kForbidden, "the application keeps a context and has no hook for hand-over");
    return std::string();
  }
  try {
    const HandOverDecision decision = services.hooks.handover->call_hand_over(connection, what);
    services.metrics.hook_decided(HookKind::kHandOver, decision.goes() ? Verdict::kAllowed : Verdict::kBlocked);
    if (!decision.goes()) return fail(Code::kForbidden, decision.why());
    return decision.bytes();
  } catch (...) {
    return fail(thrown(services, HookKind::kHandOver));
  }
}

Result<> call_take_over(const Services& services, detail::ConnectionCore& connection, std::string_view bytes) {
  if (services.hooks.handover == nullptr) {
    if (services.hooks.connection_context.make != nullptr)
      return fail(Code::kForbidden, "the new application keeps a context and has no hook for hand-over");
    return {};
  }
  try {
    const TakeOverDecision decision = services.hooks.handover->call_take_over(connection, bytes);
    services.metrics.hook_decided(HookKind::kHandOver, decision.accepts() ? Verdict::kAllowed : Verdict::kBlocked);
    if (!decision.accepts()) return fail(Code::kForbidden, decision.why());
  } catch (...) {
    return fail(thrown(services, HookKind::kHandOver));
  }
  return {};
}

Result<std::string> call_save(const Services& services) {
  if (services.hooks.state == nullptr) return fail(Code::kUnsupported, "the application has no hook for it");
  try {
    return services.hooks.state->on_save();
  } catch (...) {
    return fail(thrown(services, HookKind::kHandOver));
  }
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
