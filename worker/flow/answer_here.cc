// The part of an exchange in which we are the one asked: OPTIONS and TRACE whose Max-Forwards ends here (RFC 9110
// section 7.6.2), and methods that this endpoint does not serve. See exchange.h.
#include <array>

#include "proto/http/ascii.h"
#include "worker/flow/exchange.h"

namespace sluice::worker {
namespace {
// What passes here; what an origin does with it is the origin's to say.
constexpr std::string_view kAllowed = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE";
constexpr std::string_view kAllowedWithConnect = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE, CONNECT";

// The fields that TRACE mirrors: those that tell the way. The others may hold what the client does not know and must
// not learn, such as credentials added by a proxy before us (section 9.3.8).
constexpr std::array kMirrored = {http::FieldId::kHost, http::FieldId::kVia, http::FieldId::kMaxForwards,
                                  http::FieldId::kUserAgent};

std::string mirrored(const http::RequestHead& request) {
  std::string text;
  const auto line = [&text](std::initializer_list<std::string_view> parts) {
    for (const std::string_view part : parts) text += part;
    text += "\r\n";
  };
  line({request.method_text(), " ", request.target(), " ", http::name(request.version())});
  for (const http::Field field : request.fields())
    for (const http::FieldId id : kMirrored)
      if (field.id == id) line({field.name, ": ", field.value});
  line({});
  return text;
}
}  // namespace

Task<Result<>> Exchange::answer_here() {
  const bool trace = request_.method() == http::Method::kTrace;
  http::Fields& fields = begin_answer(trace ? 200 : 204);
  std::string body;
  if (trace) {
    body = mirrored(request_);
    fields.add(http::FieldId::kContentType, "message/http");
  } else {
    const bool connects = endpoint_.settings.mode == ipc::Mode::kForward && endpoint_.settings.connect.enabled;
    const Result<> added = fields.add("Allow", connects ? kAllowedWithConnect : kAllowed);
    if (!added) co_return added;
  }
  MemoryBody source(body);
  Result<> sent = co_await client_.send_response(response_, source);
  co_return sent;
}

Task<Result<>> Exchange::refuse_method() {
  const std::string blame =
      proxy_status(Error(Code::kUnsupported, "this method is not served here").from(Side::kClient));
  http::Fields& fields = begin_answer(405);
  if (!blame.empty()) fields.add(http::FieldId::kProxyStatus, blame);
  if (Result<> added = fields.add("Allow", kAllowed); !added) co_return added;
  MemoryBody source({});
  Result<> sent = co_await client_.send_response(response_, source);
  co_return sent;
}

}  // namespace sluice::worker
