#include "proto/http/authority.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice::http {
namespace {

template <class T>
std::optional<Fault> why(const Parsed<T>& parsed) {
  return parsed ? std::nullopt : std::optional<Fault>(parsed.error());
}

TEST(Authority, SplitsHostAndPort) {
  struct Case {
    std::string_view text;
    std::string_view host;
    std::optional<std::uint16_t> port;
    HostKind kind;
  };
  const Case cases[] = {
      {"example.com", "example.com", std::nullopt, HostKind::kName},
      {"example.com.", "example.com.", std::nullopt, HostKind::kName},
      {"Example.COM:8080", "Example.COM", 8080, HostKind::kName},
      {"a_b-c~d:1", "a_b-c~d", 1, HostKind::kName},
      {"xn--bcher-kva.example:65535", "xn--bcher-kva.example", 65535, HostKind::kName},
      {"1.example", "1.example", std::nullopt, HostKind::kName},
      {"0xcafe.org", "0xcafe.org", std::nullopt, HostKind::kName},
      {"10.0.0.1", "10.0.0.1", std::nullopt, HostKind::kIpv4},
      {"10.0.0.1:00080", "10.0.0.1", 80, HostKind::kIpv4},
      {"[::1]", "::1", std::nullopt, HostKind::kIpv6},
      {"[2001:db8::1.2.3.4]:443", "2001:db8::1.2.3.4", 443, HostKind::kIpv6},
  };
  for (const Case& one : cases) {
    const Parsed<Authority> parsed = parse_authority(one.text);
    ASSERT_TRUE(parsed) << one.text;
    EXPECT_EQ(parsed->text, one.text);
    EXPECT_EQ(parsed->host, one.host);
    EXPECT_EQ(parsed->port, one.port);
    EXPECT_EQ(parsed->kind, one.kind);
  }
}

TEST(Authority, RefusesWhatTwoParsersCouldReadDifferently) {
  for (const std::string_view text :
       {"", ":80", "a:", "a:0", "a:65536", "a:99999", "a:000080", "a:80:80", "a:-1", "a:+1", "a: 80", "a :80", ".",
        ".a", "a b", "a/b", "a\\b", "a?b", "a#b", "a,b", "a;b", "a%2fb", "a!b", "a'b", "a(b)", "a*b", "a=b", "a&b",
        "a$b", "\xc3\xa9", "a\tb", "a|b", "a\"b", "a<b>", "[", "[]", "[::1", "::1", "[::1]x", "[::1]:", "[::1]:x",
        "[1.2.3.4]", "[a]", "[fe80::1%eth0]", "[v1.x]", "[::1]]", "[[::1]]", "2001:db8::1",
        // addresses to inet_aton(3) and names to a resolver
        "127.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.0.0.01", "127.0.0.256", "1.2.3.4.5",
        "127.0.0.1.", "1.2.3", "a.1", "a.0x1"})
    EXPECT_EQ(why(parse_authority(text)), Fault::kBadAuthority) << text;
  for (const std::string_view text : {"u@a", "u:p@a", "@a", "a@", "u:p@a:80"})
    EXPECT_EQ(why(parse_authority(text)), Fault::kUserInfo) << text;
}

TEST(Authority, RefusesANulInAnAddress) {
  using namespace std::string_view_literals;
  EXPECT_FALSE(parse_authority("[::1\0]"sv));
  EXPECT_FALSE(parse_authority("[::1\0.evil]:443"sv));
  EXPECT_FALSE(parse_authority("127.0.0.1\0"sv));
}

TEST(Authority, RefusesAHostThatIsTooLong) {
  EXPECT_TRUE(parse_authority(std::string(255, 'a')));
  EXPECT_FALSE(parse_authority(std::string(256, 'a')));
  EXPECT_FALSE(parse_authority("[" + std::string(100, '1') + "]"));
}

TEST(Authority, SplitsAbsoluteUris) {
  const Parsed<AbsoluteUri> uri = parse_absolute("HTTPS://a:1/p?q://x");
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->scheme, "HTTPS");
  EXPECT_EQ(uri->authority.host, "a");
  EXPECT_EQ(uri->path_and_query, "/p?q://x");
  EXPECT_EQ(parse_absolute("http://a")->path_and_query, "");
  EXPECT_EQ(parse_absolute("http://a?q")->path_and_query, "?q");
  EXPECT_EQ(parse_absolute("http://a?q@b")->authority.host, "a");
  EXPECT_EQ(why(parse_absolute("a:80")), Fault::kBadTarget);
  EXPECT_EQ(why(parse_absolute("ws://a/")), Fault::kUnknownScheme);
  EXPECT_EQ(why(parse_absolute("://a/")), Fault::kUnknownScheme);
  EXPECT_EQ(why(parse_absolute("http://")), Fault::kBadAuthority);
  EXPECT_EQ(why(parse_absolute("http://u@a/")), Fault::kUserInfo);
}

}  // namespace
}  // namespace sluice::http
