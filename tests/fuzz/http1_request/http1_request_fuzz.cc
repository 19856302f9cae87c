// Request heads: however the bytes are cut, the outcome is the same; what is accepted obeys the rules; and what we
// write of it is read back as the same request, by the rules of forwarding, with exactly one framing.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "proto/http/ascii.h"
#include "proto/http/semantics.h"
#include "proto/http1/framing.h"
#include "proto/http1/head_parser.h"
#include "proto/http1/upgrade.h"
#include "proto/http1/writer.h"

namespace {
using namespace sluice;
using http::Parsed;
using http1::Framing;

constexpr http1::HeadLimits kLimits = {.start_line = 512, .head = 4096, .fields = 40, .empty_lines = 2};

Parsed<std::size_t> parse_bytewise(std::string_view bytes, http::RequestHead& head) {
  http1::RequestParser parser(kLimits);
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    const Parsed<std::size_t> outcome = parser.parse(bytes.substr(0, size), head);
    if (!outcome || *outcome != 0) return outcome;
  }
  return std::size_t{0};
}

void check_fields(const http::Fields& fields) {
  for (const http::Field field : fields) {
    SLUICE_CHECK(http::is_token(field.name) && http::is_field_value(field.value), "an accepted field is malformed");
    SLUICE_CHECK(field.id == http::field_id(field.name), "a field has the wrong id");
  }
}

void forward(http::RequestHead& head, const Framing& framing) {
  const http::ConnectionFacts facts = http::read_connection(head.fields(), head.version());
  constexpr std::array<std::string_view, 1> kAllowed = {"websocket"};
  const std::optional<std::string_view> upgrade = http1::wanted_upgrade(head, kAllowed);
  SLUICE_CHECK(!upgrade || (facts.upgrade && framing.empty()), "an upgrade where there can be none");
  if (!http::expects_continue(head) || !http::spend_max_forwards(head)) return;
  if (!http::remove_hop_by_hop(head.fields(), http::Direction::kRequest, facts)) return;
  http::append_via(head.fields(), head.version(), "fuzz");
  http1::declare_framing(head.fields(), framing);
  if (upgrade) http1::declare_upgrade(head.fields(), *upgrade);
  // an HTTP/1.0 client need not name a host; the off-ramp fills it in
  if (head.authority().text.empty()) SLUICE_CHECK(head.set_authority("filled.in").has_value(), "a good authority");

  Buffer out;
  http1::write_request_head(out, head, http::TargetForm::kOrigin);
  if (head.method() == http::Method::kConnect) {
    out.clear();
    http1::write_request_head(out, head, http::TargetForm::kAuthority);
  }
  if (head.method() != http::Method::kConnect && !head.scheme().empty()) {
    out.clear();
    http1::write_request_head(out, head, http::TargetForm::kAbsolute);
  }
  auto again = std::make_unique<http::RequestHead>();
  http1::RequestParser parser({.start_line = 8192, .head = 65536, .fields = 64});
  const Parsed<std::size_t> outcome = parser.parse(out.view(), *again);
  SLUICE_CHECK(outcome == out.size(), "what we write is not what we read");
  SLUICE_CHECK(again->method_text() == head.method_text(), "the method changed");
  SLUICE_CHECK(again->path_and_query() == head.path_and_query(), "the path changed");
  SLUICE_CHECK(again->authority().text == head.authority().text, "the authority changed");
  SLUICE_CHECK(http1::request_framing(*again) == Parsed<Framing>(framing), "the framing changed");
  SLUICE_CHECK(http::check_via(again->fields(), "fuzz") == http::fault(http::Fault::kForwardingLoop), "Via was lost");
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  auto whole = std::make_unique<http::RequestHead>();
  auto bytewise = std::make_unique<http::RequestHead>();
  const Parsed<std::size_t> outcome = http1::RequestParser(kLimits).parse(bytes, *whole);
  SLUICE_CHECK(outcome == parse_bytewise(bytes, *bytewise), "the outcome depends on how the bytes came");
  if (!outcome || *outcome == 0) return 0;
  SLUICE_CHECK(*outcome <= size, "more consumed than there was");
  SLUICE_CHECK(whole->fields().size() == bytewise->fields().size(), "the fields depend on how the bytes came");
  check_fields(whole->fields());
  SLUICE_CHECK(whole->fields().count(http::FieldId::kHost) <= 1, "more than one Host");
  if (const Parsed<Framing> framing = http1::request_framing(*whole)) forward(*whole, *framing);
  return 0;
}
