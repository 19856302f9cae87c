// The part of an exchange in which an origin answers: request prepared and sent, response relayed. See exchange.h.
#include <array>

#include "base/scope.h"
#include "proto/http1/upgrade.h"
#include "worker/flow/call_hook.h"
#include "worker/flow/exchange.h"
#include "worker/offramp/origin_connection.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {
namespace {
constexpr int kMostInterim = 32;  // 1xx responses before a final one: more is an origin gone mad
// Protocols that may take over a connection. Any other offer is left out of the request, which is then served without.
constexpr std::array<std::string_view, 1> kUpgrades = {"websocket"};

}  // namespace

// The request as the origin gets it (RFC 9110 section 7.6).
Result<> Exchange::prepare_request() {
  http::Fields& fields = request_.fields();
  upgrade_ = http1::wanted_upgrade(request_, kUpgrades).value_or(std::string_view());
  if (const auto removed = http::remove_hop_by_hop(fields, http::Direction::kRequest, facts_); !removed)
    return fail(http::as_error(removed.error(), Side::kClient));
  if (!upgrade_.empty()) http1::declare_upgrade(fields, upgrade_);
  if (const std::string& via = endpoint_.settings.http.via; !via.empty())
    http::append_via(fields, request_.version(), via);
  if (endpoint_.forwarded.has_to_say(fields))
    endpoint_.forwarded.say(request_, {.peer = connection_.core.peer,
                                       .client = core_.client(),
                                       .transport = connection_.tls != nullptr ? Transport::kTls : Transport::kClear});
  if (rules_ != nullptr) {
    if (Result<> rewritten = rules_->rewrite(request_); !rewritten) return rewritten;
    rules_->request_fields().apply(fields, request_facts(0));
  }
  http1::declare_framing(fields, framing_);
  return {};
}

Task<Result<>> Exchange::exchange_on(UpstreamGroup& group, Attempts& attempts, const Place& place, OriginSide& origin) {
  OriginServer& server = place.server();
  stage_ = Stage::kAwaiting;
  slot_.state(ipc::ConnectionState::kWaiting);
  const Nanos asked = services_.loop.now();
  Result<> sent = co_await origin.send(request_, http::TargetForm::kOrigin, &client_.request_body(), framing_);
  if (!sent) co_return sent;
  const Result<bool> switched = co_await await_final(origin);
  if (!switched) co_return fail(switched.error());
  record_.first_byte = services_.loop.now() - started_;
  services_.metrics.origin_answered(server.upstream(), services_.loop.now() - asked);
  if (*switched) co_return co_await upgrade(origin);
  if (!group.settings().retry.statuses.empty() && may_ask_another(group, attempts, place))
    co_return fail(Error(Code::kUnavailable, "another server is asked").from(Side::kOrigin));
  Result<> relayed = co_await relay_response(origin);
  co_return relayed;
}

Task<> Exchange::abandon_when_left(OriginSide& origin) {
  co_await client_.left();
  origin.abandon(Error(Code::kClosed, "the client went away").from(Side::kClient));
}

// Reads heads up to the final one, passing interim ones on. True: 101, the connection is a tunnel now.
Task<Result<bool>> Exchange::await_final(OriginSide& origin) {
  Scope watch;
  if (framing_.empty()) watch.spawn([this, &origin] { return abandon_when_left(origin); });
  for (int interim = 0; interim <= kMostInterim; ++interim) {
    Result<> read = co_await origin.read_head(response_);
    if (!read) co_return fail(std::move(read.error()));
    if (!http::is_informational(response_.status())) {
      stage_ = Stage::kAnswered;
      co_return false;
    }
    if (response_.status() == 101) {
      stage_ = Stage::kSwitching;
      if (const auto agreed = http1::check_switch(response_, upgrade_); !agreed)
        co_return fail(http::as_error(agreed.error(), Side::kOrigin));
      co_return true;
    }
    const http::ConnectionFacts facts = http::read_connection(response_.fields(), response_.version());
    if (Result<> prepared = prepare_response(facts); !prepared) co_return fail(std::move(prepared.error()));
    Result<> passed = co_await client_.send_interim(response_);
    if (!passed) co_return fail(std::move(passed.error()));
  }
  co_return fail(Error(Code::kBadSyntax, "too many interim responses").from(Side::kOrigin));
}

Result<> Exchange::prepare_response(const http::ConnectionFacts& facts) {
  if (const auto removed = http::remove_hop_by_hop(response_.fields(), http::Direction::kResponse, facts); !removed)
    return fail(http::as_error(removed.error(), Side::kOrigin));
  if (const std::string& via = endpoint_.settings.http.via; !via.empty())
    http::append_via(response_.fields(), response_.version(), via);
  return {};
}

Task<Result<>> Exchange::relay_response(OriginSide& origin) {
  const http::ConnectionFacts facts = http::read_connection(response_.fields(), response_.version());
  if (Result<> begun = origin.begin_body(response_, facts, request_.method()); !begun) co_return begun;
  if (Result<> prepared = prepare_response(facts); !prepared) co_return prepared;
  if (rules_ != nullptr) rules_->response_fields().apply(response_.fields(), request_facts(0));
  if (services_.hooks.http != nullptr)
    if (Result<> called = call_http_response(services_, core_, response_); !called) co_return called;
  // an answer before the request's end: the rest of the body is not worth reading; and after a refused Upgrade what
  // follows may be the other protocol's bytes (RFC 9931)
  if (!origin.upload_done() || facts_.upgrade || says_close()) client_.close_after();
  slot_.state(ipc::ConnectionState::kRelaying);
  Result<> sent = co_await client_.send_response(response_, origin.response_body());
  co_return sent;
}

}  // namespace sluice::worker
