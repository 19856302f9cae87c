// The part of an exchange in which we answer ourselves: errors with Proxy-Status (RFC 9209), and what a hook decided.
// See exchange.h.
#include "proto/http/proxy_status.h"
#include "worker/flow/exchange.h"
#include "worker/flow/http_date.h"

namespace sluice::worker {
namespace {
// Statuses by which a proxy says no, rather than an origin: an application that answers 404 speaks as an origin.
bool is_denial(std::uint16_t status) {
  return status == 403 || status == 407 || status == 429 || status == 451;
}
}  // namespace

http::Fields& Exchange::begin_answer(std::uint16_t status) {
  response_.clear();
  response_.set_status(status);
  response_.fields().add(http::FieldId::kDate, http_date(wall_now()));
  // an unread body cannot be skipped for a connection that goes on: it may never end; and behind a refused Upgrade may
  // come the other protocol's bytes
  if (!framing_.empty() || facts_.upgrade || says_close()) client_.close_after();
  return response_.fields();
}

// `decision`, when there is one, adds its fields.
Task<Result<>> Exchange::answer(std::uint16_t status, std::string_view body, const HttpDecision* decision) {
  if (status < 200 || status > 599) co_return fail(Code::kInternal, "a hook answered with a status that is none");
  http::Fields& fields = begin_answer(status);
  if (decision != nullptr) {
    for (const auto& [name, value] : decision->fields())
      if (Result<> added = fields.set(name, value); !added) co_return added;
  }
  if (is_denial(status) && !fields.has(http::FieldId::kProxyStatus)) {
    if (const std::string blame = proxy_status(Error(Code::kForbidden)); !blame.empty())
      fields.add(http::FieldId::kProxyStatus, blame);
  }
  if (!body.empty() && !fields.has(http::FieldId::kContentType))
    fields.add(http::FieldId::kContentType, "text/plain; charset=utf-8");
  MemoryBody source(body);
  Result<> sent = co_await client_.send_response(response_, source);
  co_return sent;
}

std::string Exchange::proxy_status(const Error& error) const {
  const ipc::HttpSettings& settings = endpoint_.settings.http;
  if (settings.proxy_status == ipc::ProxyStatusDetail::kOff) return {};
  http::ProxyStatus status{.name = settings.via.empty() ? "sluice" : std::string_view(settings.via),
                           .error = error_type(error, stage_)};
  // here response_ still is what the origin sent
  if (stage_ == Stage::kAnswered) status.received_status = response_.status();
  std::string details;
  std::string next_hop;
  if (settings.proxy_status == ipc::ProxyStatusDetail::kFull) {
    // why a destination is forbidden is for the log alone: it may be a hook's own words
    if (error.code() != Code::kDestinationForbidden) details = error.message();
    status.details = details;
    if (origin_) next_hop = origin_->text();
    status.next_hop = next_hop;
  }
  return http::to_text(status);
}

Task<> Exchange::answer_error(const Error& error, std::uint16_t status) {
  error_ = error;
  if (client_.answered()) co_return;  // cut: the on-ramp closes without an end
  // nothing can be told to who is gone
  if (error.side() == Side::kClient && (error.code() == Code::kReset || error.code() == Code::kClosed)) co_return;
  const std::string blame = proxy_status(error);
  http::Fields& fields = begin_answer(status);
  if (!blame.empty()) fields.add(http::FieldId::kProxyStatus, blame);
  if (retry_after_ != 0) fields.add(http::FieldId::kRetryAfter, std::to_string(retry_after_));
  if (status == 407) fields.add(http::FieldId::kProxyAuthenticate, endpoint_.proxy_auth.challenge());
  const ErrorPages::Body body = endpoint_.error_pages.body(request_facts(status));
  fields.add(http::FieldId::kContentType, body.type);
  MemoryBody source(body.text);
  const Result<> sent = co_await client_.send_response(response_, source);
  static_cast<void>(sent);  // what went wrong first is what the record says
}

Task<> Exchange::refuse(http::Fault fault) {
  co_await refuse(http::as_error(fault, Side::kClient), http::facts(fault).status);
}

Task<> Exchange::refuse(Error error, std::uint16_t status) {
  client_.close_after();
  co_await answer_error(error, status);
  finished_ = true;
}

}  // namespace sluice::worker
