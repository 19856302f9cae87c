#include "proto/http/forwarded.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {
namespace {
using Kind = ForwardedNode::Kind;

std::string shown(const std::optional<ForwardedNode>& node) {
  if (!node) return "nothing";
  std::string text;
  append_node(text, *node);
  return text;
}

TEST(ForwardedNode, IsReadInAllItsForms) {
  EXPECT_EQ(shown(parse_node("192.0.2.43")), "192.0.2.43");
  EXPECT_EQ(shown(parse_node("192.0.2.43:47011")), "192.0.2.43");
  EXPECT_EQ(shown(parse_node("192.0.2.43:_port")), "192.0.2.43");
  EXPECT_EQ(shown(parse_node("[2001:db8:cafe::17]")), R"("[2001:db8:cafe::17]")");
  EXPECT_EQ(shown(parse_node("[2001:DB8:cafe::17]:4711")), R"("[2001:db8:cafe::17]")");
  EXPECT_EQ(shown(parse_node("[::ffff:192.0.2.1]")), "192.0.2.1");
  EXPECT_EQ(shown(parse_node("UNKNOWN")), "unknown");
  EXPECT_EQ(shown(parse_node("unknown:80")), "unknown");
  EXPECT_EQ(shown(parse_node("_gazonk")), "_gazonk");
  EXPECT_EQ(shown(parse_node("_SEVKISEK:_p.1-2")), "_SEVKISEK");
}

TEST(ForwardedNode, IsNothingWhenTheGrammarDoesNotAllowIt) {
  for (const std::string_view text :
       {"", "2001:db8::1", "[2001:db8::1", "[192.0.2.1]", "[::1]80", "[::1]:", "1.2.3", "1.2.3.4:", "1.2.3.4:0x1",
        "1.2.3.4:70000", "_", "_a b", "example.com", "localhost", "[]", ":80", "[::1%eth0]", "unknown:"})
    EXPECT_FALSE(parse_node(text).has_value()) << text;
}

TEST(ForwardedNode, MayBeABareIpv6AddressInXForwardedFor) {
  EXPECT_EQ(shown(parse_loose_node("2001:db8::1")), R"("[2001:db8::1]")");
  EXPECT_EQ(shown(parse_loose_node("[2001:db8::1]:80")), R"("[2001:db8::1]")");
  EXPECT_EQ(shown(parse_loose_node("192.0.2.1:80")), "192.0.2.1");
  EXPECT_EQ(shown(parse_loose_node("2001:db8::zz")), "nothing");
}

TEST(ForwardedElement, HasItsParametersInAnyOrderAndCase) {
  const auto element =
      parse_element(R"(Proto=https;FOR="[2001:db8::1]:80";;by=_hidden;host="example.com:8080";secret=x;)");
  ASSERT_TRUE(element);
  EXPECT_EQ(element->for_node, "[2001:db8::1]:80");
  EXPECT_EQ(element->by, "_hidden");
  EXPECT_EQ(element->host, "example.com:8080");
  EXPECT_EQ(element->proto, "https");
}

TEST(ForwardedElement, IsRefusedWhenItCouldBeReadInTwoWays) {
  for (const std::string_view text :
       {"for=1.1.1.1;for=2.2.2.2", "for=\"1.1.1.1", "for=", "for", "for=\"a\\\"b\"", "for=1.1.1.1 ;proto=http",
        "for= 1.1.1.1", "f or=1.1.1.1", "=x", "for=\"x\"y", "for=a:b", "for=\"\";for=1.1.1.1"})
    EXPECT_FALSE(parse_element(text).has_value()) << text;
  EXPECT_TRUE(parse_element("").has_value());
}

TEST(ForwardedChain, GoesOverAllLinesInOrder) {
  Fields fields;
  ASSERT_TRUE(fields.add("Forwarded", R"(for=192.0.2.1, for="[2001:db8::1]";proto=http)"));
  ASSERT_TRUE(fields.add("forwarded", "proto=https, for=unknown"));
  const ForwardedChain chain = read_forwarded(fields);
  ASSERT_EQ(chain.size(), 4U);
  EXPECT_FALSE(chain.malformed());
  EXPECT_EQ(shown(chain[0]), "192.0.2.1");
  EXPECT_EQ(shown(chain[1]), R"("[2001:db8::1]")");
  EXPECT_EQ(chain[2].kind, Kind::kUnknown);
  EXPECT_EQ(chain[3].kind, Kind::kUnknown);
}

TEST(ForwardedChain, IsSpoiledByAQuoteThatSwallowsTheNextElement) {
  Fields fields;
  ASSERT_TRUE(fields.add("Forwarded", R"(for="evil, for=192.0.2.1)"));
  EXPECT_TRUE(read_forwarded(fields).malformed());
  fields.clear();
  ASSERT_TRUE(fields.add("X-Forwarded-For", "evil, 192.0.2.1"));
  EXPECT_TRUE(read_x_forwarded_for(fields).malformed());
}

TEST(ForwardedChain, KeepsTheNearest) {
  Fields fields;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(fields.add("X-Forwarded-For", "10.0.0." + std::to_string(i)));
  const ForwardedChain chain = read_x_forwarded_for(fields);
  ASSERT_EQ(chain.size(), ForwardedChain::kMost);
  EXPECT_EQ(shown(chain[0]), "10.0.0.68");
  EXPECT_EQ(shown(chain[31]), "10.0.0.99");
}

TEST(ForwardedValue, IsQuotedWhenItIsNoToken) {
  std::string out;
  append_value(out, "example.com");
  append_value(out += ' ', "example.com:80");
  append_value(out += ' ', "a\"b\\c\r\n");
  append_value(out += ' ', "");
  EXPECT_EQ(out, R"(example.com "example.com:80" "a\"b\\c??" "")");
}

}  // namespace
}  // namespace sluice::http
