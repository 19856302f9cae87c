// Forwarded and X-Forwarded-For, one field line for each line of the input: what is accepted is written as one that is
// read as the same, and no chain is longer than its bound.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "proto/http/ascii.h"
#include "proto/http/forwarded.h"

namespace {
using namespace sluice;

void check_node(const http::ForwardedNode& node) {
  std::string text = "for=";
  http::append_node(text, node);
  SLUICE_CHECK(http::is_field_value(text), "a node that cannot stand in a field");
  const auto element = http::parse_element(text);
  SLUICE_CHECK(element.has_value(), "our own element is not understood");
  const auto again = http::parse_node(element->for_node);
  SLUICE_CHECK(again && again->kind == node.kind && again->address == node.address, "another node came out");
}

void check_chain(const http::ForwardedChain& chain) {
  SLUICE_CHECK(chain.size() <= http::ForwardedChain::kMost, "an endless chain");
  for (std::size_t i = 0; i < chain.size(); ++i) check_node(chain[i]);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  http::Fields fields;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() == rest.size() ? line.size() : line.size() + 1);
    const Result<> forwarded = fields.add("Forwarded", line);
    const Result<> legacy = fields.add("X-Forwarded-For", line);
    SLUICE_CHECK(forwarded.has_value() == legacy.has_value(), "the same value is good and bad");
  }
  check_chain(http::read_forwarded(fields));
  check_chain(http::read_x_forwarded_for(fields));
  return 0;
}
