// Which addresses may be connected to: the table of classes, what hides inside IPv6, and the order of the rules.
#include "worker/offramp/egress_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "worker/offramp/address_class.h"

namespace sluice::worker {
namespace {

using testing::HasSubstr;

IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}
Networks networks(const std::vector<std::string>& texts) {
  return Networks::parse(texts).value();
}
bool allows(const EgressPolicy& policy, std::string_view address) {
  return policy.check(SocketAddress(ip(address), 443)).has_value();
}

static_assert(classify(IpAddress(std::array<std::uint8_t, 4>{127, 0, 0, 1})) == AddressClass::kLoopback);
static_assert(classify(IpAddress(std::array<std::uint8_t, 4>{8, 8, 8, 8})) == AddressClass::kPublic);

TEST(AddressClass, KnowsEveryRangeByItsFirstLastAndNeighbours) {
  using enum AddressClass;
  const std::vector<std::pair<const char*, AddressClass>> table = {
      {"0.0.0.0", kUnspecified},
      {"0.0.0.1", kReserved},
      {"0.255.255.255", kReserved},
      {"1.0.0.0", kPublic},
      {"9.255.255.255", kPublic},
      {"10.0.0.0", kPrivate},
      {"10.255.255.255", kPrivate},
      {"11.0.0.0", kPublic},
      {"100.63.255.255", kPublic},
      {"100.64.0.0", kShared},
      {"100.127.255.255", kShared},
      {"100.128.0.0", kPublic},
      {"100.100.100.200", kMetadata},
      {"100.100.100.201", kShared},
      {"126.255.255.255", kPublic},
      {"127.0.0.0", kLoopback},
      {"127.255.255.255", kLoopback},
      {"128.0.0.0", kPublic},
      {"168.63.129.16", kMetadata},
      {"168.63.129.17", kPublic},
      {"169.253.255.255", kPublic},
      {"169.254.0.0", kLinkLocal},
      {"169.254.169.254", kMetadata},
      {"169.254.169.253", kMetadata},
      {"169.254.170.2", kMetadata},
      {"169.254.170.23", kMetadata},
      {"169.254.42.42", kMetadata},
      {"169.254.255.255", kLinkLocal},
      {"169.255.0.0", kPublic},
      {"172.15.255.255", kPublic},
      {"172.16.0.0", kPrivate},
      {"172.31.255.255", kPrivate},
      {"172.32.0.0", kPublic},
      {"192.0.0.0", kReserved},
      {"192.0.0.9", kPublic},
      {"192.0.0.10", kPublic},
      {"192.0.0.192", kMetadata},
      {"192.0.0.255", kReserved},
      {"192.0.1.0", kPublic},
      {"192.0.2.0", kDocumentation},
      {"192.0.2.255", kDocumentation},
      {"192.0.3.0", kPublic},
      {"192.88.99.1", kReserved},
      {"192.167.255.255", kPublic},
      {"192.168.0.0", kPrivate},
      {"192.168.255.255", kPrivate},
      {"192.169.0.0", kPublic},
      {"198.17.255.255", kPublic},
      {"198.18.0.0", kBenchmark},
      {"198.19.255.255", kBenchmark},
      {"198.20.0.0", kPublic},
      {"198.51.100.7", kDocumentation},
      {"203.0.113.7", kDocumentation},
      {"223.255.255.255", kPublic},
      {"224.0.0.0", kMulticast},
      {"239.255.255.255", kMulticast},
      {"240.0.0.0", kReserved},
      {"255.255.255.254", kReserved},
      {"255.255.255.255", kBroadcast},
      {"::", kUnspecified},
      {"::1", kLoopback},
      {"::2", kReserved},
      {"64:ff9b:1::1", kTranslated},
      {"64:ff9b:2::1", kReserved},
      {"100::1", kReserved},
      {"1fff:ffff::", kReserved},
      {"2000::", kPublic},
      {"2001::1", kReserved},
      {"2001:2::1", kBenchmark},
      {"2001:1ff:ffff::", kReserved},
      {"2001:200::", kPublic},
      {"2001:db8::1", kDocumentation},
      {"2001:db9::1", kPublic},
      {"2002:808:808::1", kReserved},
      {"2606:4700::1111", kPublic},
      {"3ffe:ffff::", kPublic},
      {"3fff::1", kDocumentation},
      {"3fff:fff::1", kDocumentation},
      {"3fff:1000::", kPublic},
      {"4000::", kReserved},
      {"5f00::1", kReserved},
      {"fbff::1", kReserved},
      {"fc00::", kUniqueLocal},
      {"fdff:ffff::1", kUniqueLocal},
      {"fd00:ec2::254", kMetadata},
      {"fd00:ec2::253", kMetadata},
      {"fd00:ec2::23", kMetadata},
      {"fd20:ce::254", kMetadata},
      {"fd00:42::42", kMetadata},
      {"fd00:ec2::255", kUniqueLocal},
      {"fe00::", kReserved},
      {"fe80::1", kLinkLocal},
      {"febf:ffff::1", kLinkLocal},
      {"fec0::1", kPrivate},
      {"feff:ffff::1", kPrivate},
      {"ff00::", kMulticast},
      {"ff02::1", kMulticast},
  };
  for (const auto& [text, expected] : table) EXPECT_EQ(name(classify(ip(text))), name(expected)) << text;
}

TEST(AddressClass, FindsTheIpv4InsideIpv6) {
  const std::vector<std::pair<const char*, std::vector<const char*>>> table = {
      {"::ffff:10.0.0.1", {"10.0.0.1"}},
      {"::10.0.0.1", {"10.0.0.1"}},
      {"::", {}},
      {"::1", {}},
      {"::ffff:0:10.0.0.1", {"10.0.0.1"}},
      {"64:ff9b::10.0.0.1", {"10.0.0.1"}},
      {"64:ff9b::1:10.0.0.1", {}},
      {"64:ff9b:1:a00:0:100::", {"10.0.0.1"}},
      {"64:ff9b:1:a:0:1::", {"10.0.0.1"}},
      {"64:ff9b:1:7:a:0:100:0", {"10.0.0.1"}},
      {"64:ff9b:1::10.0.0.1", {"10.0.0.1"}},
      {"2002:a00:1::1", {"10.0.0.1"}},
      {"2001:0:a9fe:a9fe:0:0:f5ff:fffe", {"169.254.169.254", "10.0.0.1"}},
      {"2a00:1::5efe:10.0.0.1", {"10.0.0.1"}},
      {"2a00:1::200:5efe:10.0.0.1", {"10.0.0.1"}},
      {"2a00:1::10.0.0.1", {}},
      {"10.0.0.1", {}},
  };
  for (const auto& [text, expected] : table) {
    std::vector<std::string> found;
    const EmbeddedV4s embedded = embedded_v4s(ip(text));
    for (const IpAddress& inside : embedded.all()) found.push_back(inside.text());
    EXPECT_THAT(found, testing::ElementsAreArray(expected)) << text;
  }
}

TEST(EgressPolicy, ByDefaultOnlyThePublicInternet) {
  const EgressPolicy policy(EgressRules{});
  for (const char* text : {"8.8.8.8", "2606:4700::1111", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"})
    EXPECT_TRUE(allows(policy, text)) << text;
  for (const char* text : {"127.0.0.1",
                           "10.1.2.3",
                           "169.254.169.254",
                           "0.0.0.0",
                           "255.255.255.255",
                           "224.0.0.1",
                           "100.64.0.1",
                           "::1",
                           "::",
                           "fe80::1",
                           "fd00::1",
                           "ff02::1",
                           "::ffff:127.0.0.1",
                           "::127.0.0.1",
                           "64:ff9b::127.0.0.1",
                           "64:ff9b::169.254.169.254",
                           "2002:7f00:1::1",
                           "2001:0:4136:e378:8000:63bf:3fff:fdd2",
                           "64:ff9b:1::8.8.8.8",
                           "2a00:1::5efe:127.0.0.1"})
    EXPECT_FALSE(allows(policy, text)) << text;
}

TEST(EgressPolicy, SaysWhichAddressAndWhy) {
  const EgressPolicy policy(EgressRules{});
  const Error plain = policy.check(SocketAddress(ip("127.0.0.1"), 80)).error();
  EXPECT_EQ(plain.code(), Code::kDestinationForbidden);
  EXPECT_EQ(plain.retry(), Retry::kNo);
  EXPECT_THAT(plain.message(), HasSubstr("127.0.0.1 is not a public address (loopback)"));
  EXPECT_THAT(policy.check(SocketAddress(ip("64:ff9b::10.0.0.1"), 80)).error().message(),
              HasSubstr("64:ff9b::a00:1 (leads to 10.0.0.1) is not a public address (private)"));
}

TEST(EgressPolicy, DenyIsStrongerThanAllow) {
  const EgressPolicy policy({.deny = networks({"10.1.0.0/16", "8.8.8.0/24"}), .allow = networks({"10.0.0.0/8"})});
  EXPECT_TRUE(allows(policy, "10.2.0.1"));
  EXPECT_FALSE(allows(policy, "10.1.0.1"));
  EXPECT_FALSE(allows(policy, "8.8.8.8"));
  EXPECT_TRUE(allows(policy, "8.8.4.4"));
  EXPECT_FALSE(allows(policy, "192.168.0.1"));
}

TEST(EgressPolicy, AnotherSpellingDoesNotPassDeny) {
  const EgressPolicy policy({.deny = networks({"8.8.8.8/32"})});
  for (const char* text : {"8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2a00:1::5efe:8.8.8.8"})
    EXPECT_FALSE(allows(policy, text)) << text;
}

TEST(EgressPolicy, AllowingTheOutsideDoesNotAllowTheInside) {
  const EgressPolicy policy({.allow = networks({"64:ff9b::/96", "64:ff9b:1::/48", "2002::/16"})});
  EXPECT_FALSE(allows(policy, "64:ff9b::10.0.0.1"));
  EXPECT_FALSE(allows(policy, "64:ff9b:1::169.254.169.254"));
  EXPECT_FALSE(allows(policy, "2002:a00:1::1"));
  EXPECT_TRUE(allows(policy, "64:ff9b:1::8.8.8.8"));
  EXPECT_TRUE(allows(policy, "2002:808:808::1"));
}

TEST(EgressPolicy, PrivateRangesAreOneWord) {
  const EgressPolicy policy({.deny = networks({"10.9.0.0/16"}), .private_ranges = PrivateRanges::kAllowed});
  for (const char* text : {"10.0.0.1", "172.16.0.1", "192.168.1.1", "fd00::1", "127.0.0.1", "::1", "64:ff9b::10.0.0.1"})
    EXPECT_TRUE(allows(policy, text)) << text;
  for (const char* text : {"169.254.169.254", "169.254.1.1", "fe80::1", "fd00:ec2::254", "100.100.100.200",
                           "100.64.0.1", "224.0.0.1", "0.0.0.0", "::", "10.9.0.1"})
    EXPECT_FALSE(allows(policy, text)) << text;
}

TEST(EgressPolicy, PortsAreAQuestionOfTheirOwn) {
  const EgressPolicy policy(
      {.allow = networks({"10.0.0.0/8"}), .deny_ports = {{25, 25}}, .allow_ports = {{20, 30}, {443, 443}}});
  const auto at = [&](const char* address, std::uint16_t port) {
    return policy.check(SocketAddress(ip(address), port)).has_value();
  };
  EXPECT_TRUE(at("8.8.8.8", 443));
  EXPECT_TRUE(at("8.8.8.8", 20));
  EXPECT_TRUE(at("8.8.8.8", 30));
  EXPECT_FALSE(at("8.8.8.8", 25));
  EXPECT_FALSE(at("10.0.0.1", 25));
  EXPECT_FALSE(at("8.8.8.8", 31));
  EXPECT_FALSE(at("8.8.8.8", 80));
  EXPECT_FALSE(EgressPolicy(EgressRules{}).check(SocketAddress(ip("8.8.8.8"), 0)));
}

TEST(EgressPolicy, UnixSocketsAreNoDestination) {
  EXPECT_FALSE(EgressPolicy(EgressRules{}).check(SocketAddress::unix_path("/run/x")));
}

}  // namespace
}  // namespace sluice::worker
