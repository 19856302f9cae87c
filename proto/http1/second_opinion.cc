// llhttp's callbacks compare what it found with what is in the head, by address and length: nothing is copied.
#include "proto/http1/second_opinion.h"

#include <llhttp.h>

#include "proto/http/ascii.h"

namespace sluice::http1 {
namespace {

struct Comparison {
  http::Fields::Iterator next;
  http::Fields::Iterator end;
  std::string_view value;  // of the field whose name came last, until llhttp has shown it
  std::string_view target;
  std::string_view reason;
  bool same = true;
  bool complete = false;
};

Comparison& comparison(llhttp_t* parser) {
  return *static_cast<Comparison*>(parser->data);
}

bool same_bytes(std::string_view ours, std::string_view theirs) {
  return ours.size() == theirs.size() && (ours.empty() || ours.data() == theirs.data());
}

// Callbacks only take notes: were one to stop llhttp, its own reason to stop would be lost (it shows the part of a
// Content-Length before the byte that it refuses).
int note(Comparison& now, bool same) {
  now.same = now.same && same;
  return 0;
}

int on_url(llhttp_t* parser, const char* at, size_t size) {
  Comparison& now = comparison(parser);
  return note(now, same_bytes(now.target, {at, size}));
}

int on_status(llhttp_t* parser, const char* at, size_t size) {
  Comparison& now = comparison(parser);
  return note(now, same_bytes(now.reason, http::trim({at, size})));
}

int on_header_field(llhttp_t* parser, const char* at, size_t size) {
  Comparison& now = comparison(parser);
  // a value that llhttp did not see, or a field that we did not
  if (!now.value.empty() || now.next == now.end) return note(now, false);
  const http::Field field = *now.next;
  ++now.next;
  now.value = field.value;
  return note(now, same_bytes(field.name, {at, size}));
}

int on_header_value(llhttp_t* parser, const char* at, size_t size) {
  Comparison& now = comparison(parser);
  const bool same = same_bytes(now.value, http::trim({at, size}));
  now.value = {};
  return note(now, same);
}

int on_headers_complete(llhttp_t* parser) {
  Comparison& now = comparison(parser);
  now.complete = true;
  return note(now, now.value.empty() && now.next == now.end);
}

constexpr llhttp_settings_t make_settings() {
  llhttp_settings_t settings{};
  settings.on_url = on_url;
  settings.on_status = on_status;
  settings.on_header_field = on_header_field;
  settings.on_header_value = on_header_value;
  settings.on_headers_complete = on_headers_complete;
  return settings;
}
constexpr llhttp_settings_t kSettings = make_settings();

Opinion opinion(llhttp_errno_t outcome, const Comparison& compared) {
  switch (outcome) {
    case HPE_OK:
    case HPE_PAUSED_UPGRADE:
      return compared.complete && compared.same ? Opinion::kSame : Opinion::kDifferent;
    case HPE_UNEXPECTED_CONTENT_LENGTH:
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_INVALID_TRANSFER_ENCODING:
      return Opinion::kFraming;
    default:
      return Opinion::kDifferent;
  }
}

bool same_version(const llhttp_t& parser, http::Version version) {
  return parser.http_major == 1 && parser.http_minor == (version == http::Version::kHttp11 ? 1 : 0);
}

// The method as llhttp knows it; POST stands in for methods that it does not know, which are many (RFC 9110
// section 16.1).
llhttp_method_t llhttp_method(http::Method method) {
  switch (method) {
    case http::Method::kGet:
      return HTTP_GET;
    case http::Method::kHead:
      return HTTP_HEAD;
    case http::Method::kPut:
      return HTTP_PUT;
    case http::Method::kDelete:
      return HTTP_DELETE;
    case http::Method::kConnect:
      return HTTP_CONNECT;
    case http::Method::kOptions:
      return HTTP_OPTIONS;
    case http::Method::kTrace:
      return HTTP_TRACE;
    case http::Method::kPatch:
      return HTTP_PATCH;
    case http::Method::kPost:
    case http::Method::kOther:
      return HTTP_POST;
  }
  return HTTP_POST;
}
}  // namespace

Opinion second_opinion(std::string_view bytes, const http::RequestHead& head) {
  Comparison compared{.next = head.fields().begin(), .end = head.fields().end(), .target = head.target()};
  llhttp_t parser;
  llhttp_init(&parser, HTTP_REQUEST, &kSettings);
  parser.data = &compared;
  if (head.method() == http::Method::kOther) {
    constexpr std::string_view kStandIn = "POST";
    if (llhttp_execute(&parser, kStandIn.data(), kStandIn.size()) != HPE_OK) return Opinion::kDifferent;
    bytes.remove_prefix(head.method_text().size());
  }
  const Opinion found = opinion(llhttp_execute(&parser, bytes.data(), bytes.size()), compared);
  if (found != Opinion::kSame) return found;
  const bool same = parser.method == llhttp_method(head.method()) && same_version(parser, head.version());
  return same ? Opinion::kSame : Opinion::kDifferent;
}

Opinion second_opinion(std::string_view bytes, const http::ResponseHead& head) {
  Comparison compared{.next = head.fields().begin(), .end = head.fields().end(), .reason = head.reason()};
  llhttp_t parser;
  llhttp_init(&parser, HTTP_RESPONSE, &kSettings);
  // Whether Content-Length beside Transfer-Encoding matters depends on the request (HEAD, CONNECT), which llhttp does
  // not know here: response_framing() refuses it where it does.
  llhttp_set_lenient_chunked_length(&parser, 1);
  llhttp_set_lenient_transfer_encoding(&parser, 1);
  parser.data = &compared;
  const Opinion found = opinion(llhttp_execute(&parser, bytes.data(), bytes.size()), compared);
  if (found != Opinion::kSame) return found;
  const bool same = parser.status_code == head.status() && same_version(parser, head.version());
  return same ? Opinion::kSame : Opinion::kDifferent;
}

}  // namespace sluice::http1
