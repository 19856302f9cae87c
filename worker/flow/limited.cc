// The part of an exchange that asks whether its request is within the limits of its source and of the tenant. See
// exchange.h. Asked before anything is done for the request: refusing must be cheaper than serving.
#include "worker/flow/exchange.h"
#include "worker/limits/limits.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {
namespace {

// Retry-After is in whole seconds (RFC 9110 section 10.2.3): rounded up, so that who obeys is served.
std::uint32_t seconds_of(Nanos wait) {
  return static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(wait).count());
}

}  // namespace

Result<> Exchange::check_limits() {
  if (services_.limits.excess_blocks() != 0 && !services_.shed()) {
    services_.metrics.request_refused(endpoint_.index, RequestRefused::kMemory);
    retry_after_ = 1;
    return fail(Code::kOverload, "no memory for more data on its way");
  }
  const std::optional<Limits::Refusal> refusal = services_.limits.request(core_.client(), services_.loop.now());
  if (!refusal) return {};
  services_.metrics.request_refused(endpoint_.index, refusal->reason);
  retry_after_ = seconds_of(refusal->wait);
  switch (refusal->reason) {
    case RequestRefused::kSourceRate:
      return fail(Error(Code::kTooMany, "the client is over its rate of requests").from(Side::kClient));
    case RequestRefused::kTenantRate:
    case RequestRefused::kMemory:
      return fail(Code::kOverload, "the tenant is over its rate of requests");
  }
  return {};
}

}  // namespace sluice::worker
