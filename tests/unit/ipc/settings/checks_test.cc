// The rules for single texts: what each takes, what each refuses.
#include "ipc/settings/checks.h"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::ipc {
namespace {

struct Case {
  const settings::Check* check;
  std::vector<std::string> good;
  std::vector<std::string> bad;
};
class Rule : public testing::TestWithParam<Case> {};

TEST_P(Rule, TakesTheGoodAndRefusesTheBad) {
  for (const std::string& text : GetParam().good) EXPECT_EQ(GetParam().check->find_fault(text), "") << text;
  for (const std::string& text : GetParam().bad) EXPECT_NE(GetParam().check->find_fault(text), "") << text;
}

INSTANTIATE_TEST_SUITE_P(
    Checks, Rule,
    testing::Values(
        Case{&kName,
             {"a", "web-1", "9lives", "a_b", std::string(63, 'a')},
             {"", "A", "-a", "_a", "a.b", "a b", "\u00e4", std::string(64, 'a')}},
        Case{&kTrusted, {"10.0.0.0/8", "::1", "unix"}, {"", "unix:/x", "10.0.0.1/8"}},
        Case{&kUser, {"a", "a b", "\u00e4"}, {"", "a:b", "a\n", std::string(129, 'a')}},
        Case{&kRealm, {"", "a b"}, {"\"", "\\", "\u00e4", "\n"}},
        Case{&kPassword,
             {"pbkdf2-sha256:1:3031323334353637:" + std::string(64, '0')},
             {"", "secret", "pbkdf2-sha256:0:3031323334353637:" + std::string(64, '0')}},
        Case{&kRuleField,
             {"X-A", "Cookie", "server", "X-Forwarded-For"},
             {"", "a b", "Host", "connection", "Content-Length", "TRANSFER-ENCODING", "Via", "upgrade"}},
        Case{&kFieldTemplate, {"", "a ${client}", "${host}"}, {"a\r\nb", " a", "a ", "${status}", "${"}},
        Case{&kPage, {"", "<p>${status}\r\n{}", "${client}"}, {"${x}", "\xff", std::string(262145, 'a')}},
        Case{&kListen, {"127.0.0.1:80", "dual:[::]:80", "unix:/x"}, {"80", "localhost:80"}},
        Case{&kServer,
             {"origin:80", "127.0.0.1:80", "[::1]:80"},
             {"origin", "origin:0", "http://origin:80", "unix:/run/x", "127.1:80"}},
        Case{&kResolver,
             {"192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:53"},
             {"dns.example", "192.0.2.53:0", "unix:/x", "192.0.2.53:"}},
        Case{&kNetwork, {"10.0.0.0/8", "::1", "fc00::/7"}, {"10.0.0.1/8", "10.0.0.0/33", "private"}},
        Case{&kTlsName, {"", "a.example", "10.0.0.1", "::1"}, {"a b", "*.example", "a:443"}},
        Case{&kPemCertificates, {"", "x\n-----BEGIN CERTIFICATE-----\n"}, {"x", "-----BEGIN PRIVATE KEY-----"}},
        Case{&kPemKey,
             {"", "-----BEGIN PRIVATE KEY-----", "-----BEGIN EC PRIVATE KEY-----"},
             {"x", "-----BEGIN CERTIFICATE-----", "-----BEGIN ENCRYPTED PRIVATE KEY-----",
              "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED"}},
        Case{&kPin,
             {"sha256/" + std::string(43, 'A') + "="},
             {"", "sha256/", std::string(43, 'A') + "=", "sha256/" + std::string(44, 'A'),
              "sha1/" + std::string(43, 'A') + "=", "sha256/" + std::string(42, 'A') + "-="}},
        Case{&kIp, {"10.0.0.1", "::1"}, {"10.0.0", "host", "10.0.0.1:80", ""}},
        Case{&kHostName, {"a.example", "a"}, {"", "a b", "10.0.0.1", "*.example"}},
        Case{&kHostPattern,
             {"a.example", "*.example.org", "127.0.0.1", "::1"},
             {"*", "*.", "a.*.example", "a.example:80", "*.127.0.0.1", "http://a"}},
        Case{&kPathPrefix, {"/", "/api", "/a/b%20c"}, {"", "api", "/a b", "/a?x", "/a#x", "/\n"}},
        Case{&kFilePath, {"", "/usr/bin/x"}, {"bin/x", "./x"}},
        Case{&kFieldName, {"x-request-id", "Cookie"}, {"", "a b", "a:", "\u00e4"}},
        Case{&kToken, {"", "sluice", "a.b_c"}, {"a b", "a/b", "a(b)"}},
        Case{&kAccount, {"", "nobody", "www-data", "65534", "a.b"}, {"-x", "a:b", "a b", "/x"}}));

TEST(Checks, GiveTheReasonWithoutRepeatingTheText) {
  EXPECT_EQ(kServer.find_fault("origin:0"), "does not end with a port between 1 and 65535");
  EXPECT_EQ(kNetwork.find_fault("10.1.2.3/8"), "has bits set behind the prefix; the network is 10.0.0.0/8");
}

}  // namespace
}  // namespace sluice::ipc
