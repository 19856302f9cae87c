#include "proto/http/proxy_status.h"

#include <gtest/gtest.h>

#include "proto/http/ascii.h"
#include "proto/http/structured.h"

namespace sluice::http {
namespace {

std::string as_string(std::string_view text) {
  std::string out;
  append_sf_string(out, text);
  return out;
}
std::string as_name(std::string_view text) {
  std::string out;
  append_sf_name(out, text);
  return out;
}

TEST(StructuredFields, EscapesWhatAStringCannotHold) {
  EXPECT_EQ(as_string("plain"), R"("plain")");
  EXPECT_EQ(as_string(R"(a "b" \c)"), R"("a \"b\" \\c")");
  EXPECT_EQ(as_string("caf\xc3\xa9\r\nSet-Cookie: x\x7f"), R"("caf????Set-Cookie: x?")");
  EXPECT_EQ(as_string(""), R"("")");
}

TEST(StructuredFields, WritesATokenOnlyWhenItIsOne) {
  EXPECT_EQ(as_name("sluice-0a"), "sluice-0a");
  EXPECT_EQ(as_name("*x"), "*x");
  EXPECT_EQ(as_name("1st"), R"("1st")");  // a token of HTTP, not of structured fields
  EXPECT_EQ(as_name("a b"), R"("a b")");
  EXPECT_EQ(as_name(""), R"("")");
}

TEST(ProxyStatus, LeavesOutWhatIsNotThere) {
  EXPECT_EQ(to_text({.name = "edge"}), "edge");
  EXPECT_EQ(to_text({.name = "edge", .error = "dns_error"}), "edge; error=dns_error");
}

TEST(ProxyStatus, SaysEverything) {
  EXPECT_EQ(to_text({.name = "edge",
                     .error = "http_protocol_error",
                     .next_hop = "[::1]:80",
                     .received_status = 200,
                     .details = "a \"bad\" length"}),
            R"(edge; error=http_protocol_error; next-hop="[::1]:80"; received-status=200; details="a \"bad\" length")");
}

TEST(ProxyStatus, IsAFieldValueOfBoundedLengthWhateverTheTexts) {
  std::string nasty;
  for (int c = 0; c < 256; ++c) nasty += static_cast<char>(c);
  nasty += std::string(10'000, '"');
  const std::string text = to_text({.name = nasty, .error = "x", .next_hop = nasty, .details = nasty});
  EXPECT_TRUE(is_field_value(text));
  EXPECT_LT(text.size(), 2000U);
}

}  // namespace
}  // namespace sluice::http
