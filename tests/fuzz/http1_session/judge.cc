// See judge.h. The parsers are our own, on whole streams and with generous limits; what they accept is checked by
// themselves in the other targets.
#include "tests/fuzz/http1_session/judge.h"

#include <deque>
#include <memory>

#include "base/check.h"
#include "proto/http/semantics.h"
#include "proto/http1/body_decoder.h"
#include "proto/http1/head_parser.h"
#include "proto/http1/upgrade.h"

namespace sluice::fuzz {
namespace {
constexpr http1::HeadLimits kLimits = {.start_line = 1 << 16, .head = 1 << 20, .fields = 10'000, .empty_lines = 4};
constexpr http1::BodyLimits kBodyLimits = {
    .body = UINT64_MAX, .chunk_extensions = 1 << 20, .trailers = 1 << 20, .trailer_fields = 10'000};

enum class Took : std::uint8_t { kWhole, kPiece, kFault };

// Takes a body off the front.
Took take_body(std::string_view& bytes, const http1::Framing& framing) {
  http1::BodyDecoder decoder(framing, kBodyLimits);
  while (!decoder.done()) {
    if (bytes.empty()) return Took::kPiece;
    const auto step = decoder.decode(bytes);
    if (!step) return Took::kFault;
    bytes.remove_prefix(step->consumed);
  }
  return Took::kWhole;
}

// The methods of the requests that the client has sent, as far as they can be read; one more, of any kind, for what
// cannot.
std::deque<http::Method> asked(std::string_view sent) {
  std::deque<http::Method> methods;
  auto head = std::make_unique<http::RequestHead>();
  while (!sent.empty()) {
    http1::RequestParser parser(kLimits);
    const auto size = parser.parse(sent, *head);
    if (size && *size == 0) {
      if (parser.in_head()) methods.push_back(http::Method::kOther);  // too slow, or beyond a limit
      break;
    }
    methods.push_back(size ? head->method() : http::Method::kOther);
    if (!size) break;
    sent.remove_prefix(*size);
    const auto framing = http1::request_framing(*head);
    if (!framing || head->method() == http::Method::kConnect || take_body(sent, *framing) != Took::kWhole) break;
  }
  return methods;
}
}  // namespace

void judge_answers(std::string_view sent, std::string_view received) {
  std::deque<http::Method> methods = asked(sent);
  auto head = std::make_unique<http::ResponseHead>();
  while (!received.empty()) {
    http1::ResponseParser parser(kLimits);
    const auto size = parser.parse(received, *head);
    SLUICE_CHECK(size.has_value(), "an answer with two readings");
    if (*size == 0) return;  // cut in its head
    received.remove_prefix(*size);
    if (head->status() == 101) return;  // a tunnel
    if (http::is_informational(head->status())) continue;
    SLUICE_CHECK(!methods.empty(), "an answer to no request");
    http::Method method = methods.front();
    methods.pop_front();
    if (method == http::Method::kConnect && http::is_successful(head->status())) return;  // a tunnel
    // a head that could not be read whole may have been a HEAD: then nothing follows its answer
    if (method == http::Method::kOther && received.empty()) return;
    const auto framing = http1::response_framing(*head, method);
    SLUICE_CHECK(framing.has_value(), "an answer with framing that has two readings");
    if (framing->kind == http1::Framing::Kind::kUntilClose) return;
    const Took took = take_body(received, *framing);
    SLUICE_CHECK(took != Took::kFault, "an answer with a broken body");
    if (took == Took::kPiece) return;
  }
}

void judge_requests(std::string_view received) {
  auto head = std::make_unique<http::RequestHead>();
  while (!received.empty()) {
    http1::RequestParser parser(kLimits);
    const auto size = parser.parse(received, *head);
    SLUICE_CHECK(size.has_value(), "a request with two readings reaches the origin");
    SLUICE_CHECK(*size == 0 || received.front() != '\r', "an empty line reaches the origin");
    if (*size == 0) return;
    const http::Fields& fields = head->fields();
    SLUICE_CHECK(head->version() == http::Version::kHttp11 && fields.count(http::FieldId::kHost) == 1,
                 "not a request of ours");
    SLUICE_CHECK(head->form() == http::TargetForm::kOrigin || head->form() == http::TargetForm::kAsterisk,
                 "a target that only a proxy understands");
    SLUICE_CHECK(fields.has(http::FieldId::kVia) && !fields.has(http::FieldId::kProxyAuthorization) &&
                     !fields.has(http::FieldId::kKeepAlive),
                 "a field that belongs to one hop");
    received.remove_prefix(*size);
    const auto framing = http1::request_framing(*head);
    SLUICE_CHECK(framing.has_value(), "a request with framing that has two readings reaches the origin");
    if (fields.has(http::FieldId::kUpgrade)) return;  // what follows may be a tunnel's
    const Took took = take_body(received, *framing);
    SLUICE_CHECK(took != Took::kFault, "a request with a broken body reaches the origin");
    if (took == Took::kPiece) return;
  }
}

}  // namespace sluice::fuzz
