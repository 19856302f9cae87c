// The part of an exchange in which the configuration answers: redirects and fixed answers of a route. See exchange.h.
#include "worker/flow/exchange.h"

namespace sluice::worker {

RequestFacts Exchange::request_facts(std::uint16_t status) const {
  const bool routed = !asked_target_.empty();
  return {.core = core_,
          .authority = routed ? asked_authority_ : request_.authority(),
          .target = routed ? asked_target_ : request_.path_and_query(),
          .endpoint = endpoint_.settings.name,
          .connection = record_.connection,
          .request = record_.request,
          .status = status};
}

void Exchange::follow(const RouteRules* rules) {
  rules_ = rules;
  asked_target_ = request_.path_and_query();
  asked_authority_ = request_.authority();
}

Task<Result<>> Exchange::answer_by_rule() {
  http::Fields& fields = begin_answer(rules_->status());
  rules_->fill(fields, request_facts(rules_->status()));
  MemoryBody source(rules_->body());
  Result<> sent = co_await client_.send_response(response_, source);
  co_return sent;
}

}  // namespace sluice::worker
