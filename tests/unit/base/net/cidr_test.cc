// Networks: membership at the edges of every prefix, and no way in by writing an address differently.
#include "base/net/cidr.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}
Network net(std::string_view text) {
  return Network::parse(text).value();
}

TEST(Network, ContainsItsFirstAndLastAddressAndNoOther) {
  const Network rfc1918 = net("172.16.0.0/12");
  EXPECT_TRUE(rfc1918.contains(ip("172.16.0.0")));
  EXPECT_TRUE(rfc1918.contains(ip("172.31.255.255")));
  EXPECT_FALSE(rfc1918.contains(ip("172.15.255.255")));
  EXPECT_FALSE(rfc1918.contains(ip("172.32.0.0")));
  const Network unique_local = net("fc00::/7");
  EXPECT_TRUE(unique_local.contains(ip("fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")));
  EXPECT_FALSE(unique_local.contains(ip("fe00::")));
  EXPECT_FALSE(unique_local.contains(ip("fbff::")));
}

TEST(Network, TakesABareAddressAsItself) {
  EXPECT_EQ(net("192.0.2.1").text(), "192.0.2.1/32");
  EXPECT_EQ(net("2001:db8::1").text(), "2001:db8::1/128");
  EXPECT_TRUE(net("192.0.2.1").contains(ip("192.0.2.1")));
  EXPECT_FALSE(net("192.0.2.1").contains(ip("192.0.2.2")));
}

TEST(Network, PrefixZeroIsEverythingOfItsFamily) {
  EXPECT_TRUE(net("0.0.0.0/0").contains(ip("255.255.255.255")));
  EXPECT_FALSE(net("0.0.0.0/0").contains(ip("::1")));
  EXPECT_TRUE(net("::/0").contains(ip("ffff::")));
  EXPECT_FALSE(net("::/0").contains(ip("::ffff:10.0.0.1"))) << "that is an IPv4 address";
}

TEST(Network, SeesThroughMappedAddresses) {
  EXPECT_TRUE(net("10.0.0.0/8").contains(ip("::ffff:10.1.2.3")));
  EXPECT_EQ(net("::ffff:10.0.0.0/104"), net("10.0.0.0/8"));
  EXPECT_TRUE(net("::ffff:127.0.0.1").contains(ip("127.0.0.1")));
}

TEST(Network, SaysWhichNetworkWasMeant) {
  const Result<Network> slip = Network::parse("10.1.2.3/8");
  ASSERT_FALSE(slip);
  EXPECT_NE(slip.error().message().find("10.0.0.0/8"), std::string::npos) << slip.error().message();
}

TEST(Network, RefusesWhatIsNotOne) {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/-1", "::/129", "::/1000",
                           "10/8", "host/8", "10.0.0.0/8/8", "10.0.0.0 /8"})
    EXPECT_FALSE(Network::parse(text)) << text;
}

TEST(Networks, ContainWhatOneOfThemContains) {
  const Networks list = Networks::parse({"10.0.0.0/8", "::1"}).value();
  EXPECT_TRUE(list.contains(ip("10.9.9.9")));
  EXPECT_TRUE(list.contains(ip("::1")));
  EXPECT_FALSE(list.contains(ip("11.0.0.0")));
  EXPECT_FALSE(Networks().contains(ip("10.0.0.0")));
  EXPECT_FALSE(Networks::parse({"10.0.0.0/8", "nonsense"}));
}

}  // namespace
}  // namespace sluice
