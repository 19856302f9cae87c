// The spine of an exchange: loop checks, hook, routing, accounting. See exchange.h.
#include "worker/flow/exchange.h"

#include "base/scope.h"
#include "proto/http/ascii.h"
#include "worker/flow/call_hook.h"
#include "worker/flow/slow_request.h"
#include "worker/limits/limits.h"
#include "worker/offramp/origin_pool.h"
#include "worker/telemetry/access_log.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {

Exchange::Exchange(const Services& services, const Endpoint& endpoint, ClientConnection& connection,
                   const WorkPlace& place, ClientSide& client, http::RequestHead& request, Nanos first_byte)
    : services_(services),
      endpoint_(endpoint),
      connection_(connection),
      slot_(place.slot),
      halt_(place.halt),
      client_(client),
      request_(request),
      core_(connection.core, request, services.hooks.request_context),
      started_(first_byte) {
  record_.endpoint = endpoint.index;
  record_.connection = connection.core.id;
  record_.request = ++connection.requests;
  services_.metrics.request_started(endpoint.index);
}

Exchange::~Exchange() {
  account();
}

// What the access log wants to know of the request and its answer, from where it is.
void Exchange::describe() {
  record_.method = request_.method_text();
  record_.scheme = request_.scheme();
  record_.authority = request_.authority().text;
  record_.path = asked_target_.empty() ? request_.path_and_query() : asked_target_;
  record_.version = http::name(request_.version());
  record_.request_fields = &request_.fields();
  if (client_.answered()) {
    record_.status = response_.status();
    record_.response_fields = &response_.fields();
  }
}

void Exchange::account() {
  if (handed_over_) {
    services_.metrics.tunnel_handed_over(record_.endpoint);
    return;
  }
  describe();
  if (record_.kind == AccessRecord::Kind::kRequest) {
    record_.bytes_in = head_bytes_ + client_.request_body().passed();
    record_.bytes_out = client_.bytes_sent();
  }
  record_.duration = steady_now() - started_;
  if (!error_ && !finished_ && client_.gone())
    error_ = Error(Code::kReset, "the client reset the request's stream").from(Side::kClient);
  if (error_) {
    record_.failed(*error_);
  } else if (!finished_) {
    record_.cancelled();
  }
  services_.metrics.request_finished(record_);
  log();
  if (record_.kind == AccessRecord::Kind::kTunnel) return;  // its bytes stand there already
  slot_.add_in(record_.bytes_in);
  slot_.add_out(record_.bytes_out);
}

// Addresses become text here, where somebody reads them.
void Exchange::log() {
  const Millis slow = endpoint_.settings.http.slow_request;
  if (!services_.access_log.wants(record_) && slow.count() == 0) return;
  const std::string connected = connection_.core.peer.text();
  const std::string origin = origin_ ? origin_->text() : std::string();
  record_.client = connected;
  record_.origin = origin;
  if (core_.identity != nullptr && core_.identity->client) {
    record_.client = core_.identity->client_text;
    record_.peer = connected;
  }
  services_.access_log.write(record_);
  if (slow.count() != 0) log_if_slow(services_.log, record_, endpoint_.settings.name, slow);
}

Task<> Exchange::run(const http::ConnectionFacts& facts, const http1::Framing& framing) {
  facts_ = facts;
  framing_ = framing;
  slot_.request(request_.method() == http::Method::kConnect ? request_.target() : request_.authority().text);
  slot_.state(ipc::ConnectionState::kWaiting);  // the head is here: no longer to be shed
  const Millis limit = endpoint_.settings.http.request_timeout;
  Result<> done;
  if (limit.count() == 0) {
    Result<> handled = co_await handle();
    done = std::move(handled);
  } else {
    Result<> handled = co_await handle_until(Deadline(started_ + limit));
    done = std::move(handled);
  }
  if (!done) co_await answer_error(done.error(), status_for(done.error()));
  finished_ = true;
}

Task<> Exchange::handle_into(std::optional<Result<>>& done) {
  Result<> result = co_await handle();
  done.emplace(std::move(result));
}

// What is not done by then is cancelled where it stands; a tunnel has times of its own.
Task<Result<>> Exchange::handle_until(Deadline deadline) {
  std::optional<Result<>> done;
  Scope work;
  work.spawn([this, &done] { return handle_into(done); });
  Wake wake = co_await work.join(services_.loop, deadline);
  if (wake == Wake::kTimeout && record_.kind == AccessRecord::Kind::kTunnel)
    wake = co_await work.join(services_.loop, Deadline::never());
  if (done) co_return *std::move(done);
  work.cancel();
  client_.close_after();
  if (client_.answered()) client_.cut();
  co_return fail(Error(Code::kTimeout, "the request took too long as a whole").from(Side::kOrigin));
}

Result<> Exchange::check_loop() {
  const std::string& via = endpoint_.settings.http.via;
  if (!via.empty())
    if (const auto seen = http::check_via(request_.fields(), via); !seen)
      return fail(http::as_error(seen.error(), Side::kClient));
  return {};
}

// How a request has come is known from its connection. What its client says of it (:scheme, an absolute URI) proves
// nothing to those who decide by it; to a forward proxy it is where the request is to go.
void Exchange::settle_scheme() {
  if (endpoint_.settings.mode != ipc::Mode::kReverse || request_.method() == http::Method::kConnect) return;
  const bool secure = connection_.tls != nullptr;
  if (!secure && request_.scheme().empty()) return;
  const Result<> settled = request_.set_scheme(secure ? "https" : "http");
  static_cast<void>(settled);  // both are schemes
}

// A client that takes one connection for several names may do so only as far as the certificate goes. To a forward
// proxy other hosts are what it is for.
Result<> Exchange::check_host() {
  if (connection_.tls == nullptr || endpoint_.settings.mode != ipc::Mode::kReverse) return {};
  if (request_.host().empty() || may_ask_for(*connection_.tls, request_.host())) return {};
  return fail(Error(Code::kMisdirected, "the TLS handshake asked for another host").from(Side::kClient));
}

Task<Result<>> Exchange::handle() {
  // a refused CONNECT may be followed by the bytes of the tunnel it did not become: never read them as a request (RFC
  // 9931)
  if (request_.method() == http::Method::kConnect) client_.close_after();
  settle_scheme();
  if (Result<> ok = check_loop(); !ok) co_return ok;
  if (Result<> ok = check_host(); !ok) co_return ok;
  if (request_.fields().may_have(ForwardedRules::kFields)) receive_forwarded();
  if (services_.limits.on_requests() || services_.limits.excess_blocks() != 0)
    if (Result<> ok = check_limits(); !ok) co_return ok;
  if (endpoint_.proxy_auth.required())
    if (Result<> known = authenticate(); !known) co_return known;
  if (services_.hooks.http != nullptr) {
    const Result<bool> answered = co_await ask_hook();
    if (!answered) co_return fail(answered.error());
    if (*answered) co_return Result<>();
  }
  if (request_.method() == http::Method::kConnect) co_return co_await connect();

  const auto hops = http::spend_max_forwards(request_);
  if (!hops) co_return fail(http::as_error(hops.error(), Side::kClient));
  if (*hops == http::Forwarding::kAnswerHere) co_return co_await answer_here();
  const Result<Destination> destination = route();
  if (!destination) co_return fail(destination.error());
  if (rules_ != nullptr && rules_->answers()) co_return co_await answer_by_rule();
  co_return co_await forward(*destination);
}

void Exchange::identify() {
  if (core_.identity == nullptr) core_.identity = std::make_unique<detail::Identity>();
}

// The field itself is not passed on: it is for us (RFC 9110 section 11.7.2).
Result<> Exchange::authenticate() {
  const std::optional<std::string_view> user = endpoint_.proxy_auth.user_of(request_.fields());
  if (!user) return fail(Error(Code::kUnauthorized, "no user with this password").from(Side::kClient));
  identify();
  core_.identity->user = *user;
  record_.user = *user;
  return {};
}

void Exchange::receive_forwarded() {
  std::optional<IpAddress> client = endpoint_.forwarded.receive(request_.fields(), connection_.core.peer);
  if (!client) return;
  identify();
  core_.identity->client_text = client->text();
  core_.identity->client.emplace(*client, std::uint16_t{0});
}

/// True when the hook has answered.
Task<Result<bool>> Exchange::ask_hook() {
  const Result<HttpDecision> decision = co_await call_http_request(services_, core_);
  if (!decision) co_return fail(decision.error());
  if (decision->kind() == HttpDecision::Kind::kForward) {
    record_.verdict = decision->upstream().empty() ? Verdict::kAllowed : Verdict::kRedirected;
    upstream_ = decision->upstream();
    co_return false;
  }
  record_.verdict = decision->status() >= 400 ? Verdict::kBlocked : Verdict::kAnswered;
  const Result<> answered = co_await answer(decision->status(), decision->body(), &*decision);
  if (!answered) co_return fail(answered.error());
  co_return true;
}

Result<Exchange::Destination> Exchange::route() {
  if (!upstream_.empty()) {
    for (const auto& group : endpoint_.upstreams)
      if (group->name() == upstream_) return Destination{.group = group.get(), .asked_for = nullptr};
    services_.log.error("hook named an unknown upstream", {{"upstream", upstream_}});
    return fail(Code::kInternal, "no upstream of that name");
  }
  if (endpoint_.settings.mode == ipc::Mode::kForward) return route_forward();
  const std::string_view path = request_.path() == "*" ? "/" : request_.path();  // OPTIONS of the server as a whole
  const RouteTarget target = endpoint_.router.find(request_.host(), path);
  if (!target.found()) return fail(Code::kNoRoute, "no route for this host and path");
  record_.route = target.index;
  if (target.rules != nullptr) follow(target.rules);
  return Destination{.group = target.group, .asked_for = nullptr};
}

Result<Exchange::Destination> Exchange::route_forward() {
  if (request_.form() != http::TargetForm::kAbsolute)
    return fail(Error(Code::kBadSyntax, "this is a proxy: the target must be an absolute URI").from(Side::kClient));
  if (!http::equal_ignore_case(request_.scheme(), "http"))
    return fail(Error(Code::kUnsupported, "only http: URIs are proxied; use CONNECT for https").from(Side::kClient));
  const std::uint16_t port = request_.port().value_or(80);
  std::shared_ptr<UpstreamGroup> origin = services_.pool.forward(request_.host(), port);
  UpstreamGroup* const group = origin.get();
  return Destination{.group = group, .asked_for = std::move(origin)};
}

}  // namespace sluice::worker
