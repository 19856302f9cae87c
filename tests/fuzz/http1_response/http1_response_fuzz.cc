// Response heads: however the bytes are cut, the outcome is the same, and what we write of it is read back as the same.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "proto/http/semantics.h"
#include "proto/http1/framing.h"
#include "proto/http1/head_parser.h"
#include "proto/http1/upgrade.h"
#include "proto/http1/writer.h"

namespace {
using namespace sluice;
using http::Parsed;
using http1::Framing;

constexpr http1::HeadLimits kLimits = {.start_line = 512, .head = 4096, .fields = 40};

Parsed<std::size_t> parse_bytewise(std::string_view bytes, http::ResponseHead& head) {
  http1::ResponseParser parser(kLimits);
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    const Parsed<std::size_t> outcome = parser.parse(bytes.substr(0, size), head);
    if (!outcome || *outcome != 0) return outcome;
  }
  return std::size_t{0};
}

void pass_back(http::ResponseHead& head, const Framing& framing) {
  const http::ConnectionFacts facts = http::read_connection(head.fields(), head.version());
  if (!http::remove_hop_by_hop(head.fields(), http::Direction::kResponse, facts)) return;
  http1::declare_framing(head, http::Method::kGet, framing);
  Buffer out;
  http1::write_response_head(out, head);
  auto again = std::make_unique<http::ResponseHead>();
  http1::ResponseParser parser({.start_line = 8192, .head = 65536, .fields = 64});
  const Parsed<std::size_t> outcome = parser.parse(out.view(), *again);
  SLUICE_CHECK(outcome == out.size(), "what we write is not what we read");
  SLUICE_CHECK(again->status() == head.status() && again->reason() == head.reason(), "the status changed");
  SLUICE_CHECK(again->fields().size() == head.fields().size(), "a field was lost");
  SLUICE_CHECK(http1::response_framing(*again, http::Method::kGet) == Parsed<Framing>(framing), "the framing changed");
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  auto whole = std::make_unique<http::ResponseHead>();
  auto bytewise = std::make_unique<http::ResponseHead>();
  const Parsed<std::size_t> outcome = http1::ResponseParser(kLimits).parse(bytes, *whole);
  SLUICE_CHECK(outcome == parse_bytewise(bytes, *bytewise), "the outcome depends on how the bytes came");
  if (!outcome || *outcome == 0) return 0;
  SLUICE_CHECK(*outcome <= size, "more consumed than there was");
  SLUICE_CHECK(http1::response_framing(*whole, http::Method::kHead) == Parsed<Framing>(Framing::none()),
               "HEAD with a body");
  if (whole->status() != 101) SLUICE_CHECK(!http1::check_switch(*whole, "websocket"), "a switch without 101");
  if (const Parsed<Framing> framing = http1::response_framing(*whole, http::Method::kGet)) pass_back(*whole, *framing);
  return 0;
}
