// The part of an exchange in which we answer ourselves: errors with Proxy-Status (RFC 9209), and what a hook decided.
// See exchange.h.
#include <fmt/format.h>

#include "proto/http/ascii.h"
#include "worker/flow/exchange.h"
#include "worker/flow/http_date.h"

namespace sluice::worker {

http::Fields& Exchange::begin_answer(std::uint16_t status) {
  response_.clear();
  response_.set_status(status);
  response_.fields().add(http::FieldId::kDate, http_date(wall_now()));
  // an unread body cannot be skipped for a connection that goes on: it may never end; and behind a refused Upgrade may
  // come the other protocol's bytes
  if (!framing_.empty() || facts_.upgrade || services_.draining) client_.close_after();
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
  if (!body.empty() && !fields.has(http::FieldId::kContentType))
    fields.add(http::FieldId::kContentType, "text/plain; charset=utf-8");
  MemoryBody source(body);
  Result<> sent = co_await client_.send_response(response_, source);
  co_return sent;
}

Task<> Exchange::answer_error(const Error& error, std::uint16_t status) {
  error_ = error;
  if (client_.answered()) co_return;  // cut: the on-ramp closes without an end
  // nothing can be told to who is gone
  if (error.side() == Side::kClient && (error.code() == Code::kReset || error.code() == Code::kClosed)) co_return;
  // whatever is wrong with what the origin said, to the client it is a bad gateway
  if (error.side() == Side::kOrigin && (status < 502 || status > 504)) status = 502;
  // nobody behind us was slow
  if (error.side() == Side::kClient && error.code() == Code::kTimeout) status = 408;
  http::Fields& fields = begin_answer(status);
  if (const std::string_view type = facts(error.code()).proxy_status; !type.empty()) {
    const std::string& via = endpoint_.settings.http.via;
    fields.add(http::FieldId::kProxyStatus, fmt::format("{}; error={}", via.empty() ? "sluice" : via, type));
  }
  fields.add(http::FieldId::kContentType, "text/plain; charset=utf-8");
  const std::string body = fmt::format("{} {}\n", status, http::reason_phrase(status));
  MemoryBody source(body);
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
