// Addresses: one way to write each, no way around a comparison.
#include "base/net/address.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstddef>
#include <cstring>

namespace sluice {
namespace {

IpAddress ip(std::string_view text) {
  const Result<IpAddress> address = IpAddress::parse(text);
  EXPECT_TRUE(address.has_value()) << text;
  return address.value_or(IpAddress());
}

TEST(IpAddress, PrintsWhatItRead) {
  for (const char* text : {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1", "::ffff:10.0.0.1"})
    EXPECT_EQ(ip(text).text(), text);
  EXPECT_EQ(ip("2001:DB8:0:0:0:0:0:1").text(), "2001:db8::1");
}

TEST(IpAddress, RefusesWhatOnlySomeProgramsUnderstand) {
  for (const std::string_view text : {"", "127.1", "0x7f.0.0.1", "010.0.0.1", "1.2.3.4.5", "1.2.3.256", "2130706433",
                                      "[::1]", "fe80::1%lo", " 1.2.3.4", "1.2.3.4 ", "localhost", ":::", "1::2::3"})
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0", 8)));
  EXPECT_FALSE(IpAddress::parse(std::string(1000, '1')));
}

TEST(IpAddress, UnmapsOnlyMappedAddresses) {
  EXPECT_EQ(ip("::ffff:10.0.0.1").unmapped(), ip("10.0.0.1"));
  EXPECT_EQ(ip("::fffe:10.0.0.1").unmapped(), ip("::fffe:10.0.0.1"));
  EXPECT_EQ(ip("10.0.0.1").unmapped(), ip("10.0.0.1"));
}

TEST(IpAddress, KnowsLoopbackInEveryForm) {
  for (const char* text : {"127.0.0.1", "127.255.0.3", "::1", "::ffff:127.0.0.1"})
    EXPECT_TRUE(ip(text).is_loopback()) << text;
  for (const char* text : {"128.0.0.1", "::2", "0.0.0.0", "::"}) EXPECT_FALSE(ip(text).is_loopback()) << text;
  EXPECT_TRUE(ip("::").is_unspecified());
  EXPECT_TRUE(ip("0.0.0.0").is_unspecified());
}

TEST(SocketAddress, PrintsWhatItRead) {
  for (const char* text : {"127.0.0.1:0", "192.0.2.1:65535", "[::1]:8080", "unix:/run/sluice/web.sock"}) {
    const Result<SocketAddress> address = SocketAddress::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->text(), text);
  }
}

TEST(SocketAddress, RefusesWhatIsNotOne) {
  for (const char* text :
       {"", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:+1", "127.0.0.1: 1", "::1:80", "[::1]",
        "[127.0.0.1]:80", "localhost:80", "unix:", "unix:relative", "unix:@abstract", "[::1]80", "1.2.3.4:99999999999"})
    EXPECT_FALSE(SocketAddress::parse(text)) << text;
}

TEST(SocketAddress, HoldsExactlyThePathsThatTheKernelHolds) {
  EXPECT_TRUE(SocketAddress::parse("unix:/" + std::string(106, 'a')));
  EXPECT_FALSE(SocketAddress::parse("unix:/" + std::string(107, 'a')));
  EXPECT_FALSE(SocketAddress::parse(std::string_view("unix:/a\0b", 9)));
}

TEST(SocketAddress, SurvivesTheWayThroughTheKernelsForm) {
  for (const std::string& text : {std::string("127.0.0.1:80"), std::string("[2001:db8::7]:443"),
                                  std::string("unix:/tmp/x"), "unix:/" + std::string(106, 'a')}) {
    const Result<SocketAddress> address = SocketAddress::parse(text);
    ASSERT_TRUE(address);
    const Result<SocketAddress> back = SocketAddress::from_raw(address->raw());
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, *address);
  }
}

TEST(SocketAddress, KeepsTheInterfaceOfALinkLocalPeer) {
  RawAddress raw = SocketAddress(ip("fe80::1"), 80).raw();
  reinterpret_cast<sockaddr_in6&>(raw.storage).sin6_scope_id = 7;
  const Result<SocketAddress> peer = SocketAddress::from_raw(raw);
  ASSERT_TRUE(peer);
  const RawAddress again = peer->raw();
  EXPECT_EQ(reinterpret_cast<const sockaddr_in6&>(again.storage).sin6_scope_id, 7U);
}

TEST(SocketAddress, TakesUnnamedAndAbstractPeersAsUnnamed) {
  RawAddress raw;
  raw.storage.ss_family = AF_UNIX;
  raw.size = sizeof(sa_family_t);
  const Result<SocketAddress> unnamed = SocketAddress::from_raw(raw);
  ASSERT_TRUE(unnamed);
  EXPECT_EQ(unnamed->text(), "unix:");
  reinterpret_cast<sockaddr_un&>(raw.storage).sun_path[1] = 'x';
  raw.size = offsetof(sockaddr_un, sun_path) + 2;
  const Result<SocketAddress> abstract = SocketAddress::from_raw(raw);
  ASSERT_TRUE(abstract);
  EXPECT_TRUE(abstract->path().empty());
}

TEST(SocketAddress, RefusesOtherFamiliesAndShortOnes) {
  RawAddress raw;
  raw.storage.ss_family = AF_NETLINK;
  EXPECT_FALSE(SocketAddress::from_raw(raw));
  raw = SocketAddress(ip("127.0.0.1"), 80).raw();
  raw.size = 4;
  EXPECT_FALSE(SocketAddress::from_raw(raw));
  raw.size = 0;
  EXPECT_FALSE(SocketAddress::from_raw(raw));
}

TEST(HostPort, TakesNamesAndAddresses) {
  EXPECT_EQ(HostPort::parse("Origin.Example:80"), (HostPort{"origin.example", 80}));
  EXPECT_EQ(HostPort::parse("[2001:DB8::1]:8443"), (HostPort{"2001:db8::1", 8443}));
  EXPECT_EQ(HostPort::parse("[2001:db8::1]:8443")->text(), "[2001:db8::1]:8443");
  EXPECT_EQ(HostPort::parse("my_service:1")->text(), "my_service:1");
}

TEST(HostPort, RefusesWhatCannotBeConnectedTo) {
  for (const char* text :
       {"origin", "origin:0", "origin:65536", ":80", "a..b:80", "-a:80", "127.1:80", "0x7f000001:80", "2130706433:80",
        "[origin]:80", "::1:80", "a b:80", "a/b:80", "user@host:80", "origin:80:80"})
    EXPECT_FALSE(HostPort::parse(text)) << text;
  EXPECT_FALSE(HostPort::parse(std::string(64, 'a') + ":80"));
}

TEST(HostPort, BoundsWhatItRepeatsInAMessage) {
  EXPECT_LT(HostPort::parse(std::string(100000, '!')).error().message().size(), 300U);
}

}  // namespace
}  // namespace sluice
