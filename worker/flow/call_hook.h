// The one place where application code is called: exceptions end here. A hook that throws is an error of ours to the
// client (500), counted and logged with what it threw; the connection and everybody else go on.
#pragma once
#include "app/sluice/hook.h"
#include "base/result.h"
#include "base/task.h"
#include "worker/services.h"

namespace sluice::worker {

/// Errors: kInternal when the hook threw; kForbidden when it rejected.
Task<Result<>> call_ingress(const Services& services, detail::ConnectionCore& connection);
/// Errors: kInternal.
Task<Result<HttpDecision>> call_http_request(const Services& services, detail::ExchangeCore& exchange);
[[nodiscard]] Result<> call_http_response(const Services& services, detail::ExchangeCore& exchange,
                                          http::ResponseHead& head);
/// Errors: kInternal.
Task<Result<EgressDecision>> call_egress(const Services& services, detail::DialCore& dial);

/// What the application gives along; without such a hook nothing. Errors: kForbidden, it stays, with the reason.
[[nodiscard]] Result<std::string> call_hand_over(const Services& services, detail::ConnectionCore& connection,
                                                 HandOverKind what);
/// Errors: kForbidden, with the reason.
[[nodiscard]] Result<> call_take_over(const Services& services, detail::ConnectionCore& connection,
                                      std::string_view bytes);

/// What the application leaves to the next generation. Errors: kUnsupported without such a hook, kInternal.
[[nodiscard]] Result<std::string> call_save(const Services& services);

}  // namespace sluice::worker
