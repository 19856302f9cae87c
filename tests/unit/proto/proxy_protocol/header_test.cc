// The PROXY protocol, each rule by bytes that keep it and bytes that break it, whole and cut at every position.
#include "proto/proxy_protocol/header.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/proxy_protocol/wire.h"

namespace sluice::proxy_protocol {
namespace {

using namespace std::string_literals;

std::string v2(std::uint8_t version_and_command, std::uint8_t family, const std::string& block) {
  std::string header(kV2Begin);
  header += static_cast<char>(version_and_command);
  header += static_cast<char>(family);
  header += static_cast<char>(block.size() >> 8U);
  header += static_cast<char>(block.size() & 0xffU);
  return header + block;
}
std::string tlv(std::uint8_t type, const std::string& value) {
  std::string bytes(1, static_cast<char>(type));
  bytes += static_cast<char>(value.size() >> 8U);
  bytes += static_cast<char>(value.size() & 0xffU);
  return bytes + value;
}
const std::string kBlock4 = "\xc0\x00\x02\x01\xc6\x33\x64\x02\x12\x67\x01\xbb"s;  // 192.0.2.1:4711 198.51.100.2:443

// Whole; then every beginning of it must ask for more, and more bytes behind it must change nothing.
Header accepted(const std::string& bytes) {
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    Header partial;
    const auto parsed = parse(std::string_view(bytes).substr(0, cut), partial);
    EXPECT_TRUE(parsed && *parsed == 0) << "cut at " << cut;
  }
  Header header;
  const auto parsed = parse(bytes, header);
  EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : name(parsed.error()));
  EXPECT_EQ(parsed.value_or(0), bytes.size());
  Header again;
  EXPECT_EQ(parse(bytes + "GET / HTTP/1.1\r\n", again).value_or(0), bytes.size());
  return header;
}

// Some beginning of it is refused, all longer ones too, and none is ever accepted.
Fault refused(const std::string& bytes) {
  Header header;
  bool was_refused = false;
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    const auto parsed = parse(std::string_view(bytes).substr(0, cut), header);
    EXPECT_TRUE(!parsed || *parsed == 0) << "accepted, cut at " << cut;
    EXPECT_FALSE(was_refused && parsed) << "changed its mind at " << cut;
    was_refused = !parsed;
  }
  const auto parsed = parse(bytes, header);
  EXPECT_FALSE(parsed) << bytes;
  return parsed ? Fault{} : parsed.error();
}

TEST(ProxyProtocolV1, ReadsBothFamilies) {
  const Header four = accepted("PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\n");
  EXPECT_EQ(four.version, Version::kV1);
  EXPECT_EQ(four.addresses->source.text(), "192.0.2.1:4711");
  EXPECT_EQ(four.addresses->destination.text(), "198.51.100.2:443");
  const Header six = accepted("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n");
  EXPECT_EQ(six.addresses->source.text(), "[2001:db8::1]:0");
  EXPECT_EQ(six.addresses->destination.text(), "[::1]:65535");
}

TEST(ProxyProtocolV1, UnknownTellsNothingWhateverFollows) {
  EXPECT_FALSE(accepted("PROXY UNKNOWN\r\n").addresses);
  EXPECT_FALSE(accepted("PROXY UNKNOWN 192.0.2.1 who knows  \r\n").addresses);
  EXPECT_FALSE(accepted("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n").addresses);
}

TEST(ProxyProtocolV1, TakesTheLongestLineAndNotOneByteMore) {
  const std::string most = "PROXY UNKNOWN " + std::string(kMaxV1 - 16, 'x') + "\r\n";
  ASSERT_EQ(most.size(), kMaxV1);
  EXPECT_FALSE(accepted(most).addresses);
  EXPECT_EQ(refused("PROXY UNKNOWN " + std::string(kMaxV1 - 15, 'x') + "\r\n"), Fault::kTooLong);
  EXPECT_EQ(refused("PROXY " + std::string(5000, 'x')), Fault::kTooLong);
}

TEST(ProxyProtocolV1, RefusesWhatTheSpecificationDoesNotSay) {
  const std::vector<std::string> malformed = {
      "PROXY TCP4 192.0.2.1 198.51.100.2 4711\r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443 \r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443 1\r\n",
      "PROXY TCP4  192.0.2.1 198.51.100.2 4711 443\r\n",
      "PROXY  TCP4 192.0.2.1 198.51.100.2 4711 443\r\n",
      "PROXY TCP4\t192.0.2.1 198.51.100.2 4711 443\r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.2 04711 443\r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.2 -1 443\r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.2 +1 443\r\n",
      "PROXY TCP4 192.0.2.01 198.51.100.2 4711 443\r\n",
      "PROXY TCP4 192.0.2 198.51.100.2 4711 443\r\n",
      "PROXY TCP4 localhost 198.51.100.2 4711 443\r\n",
      "PROXY TCP4 2001:db8::1 ::1 4711 443\r\n",
      "PROXY TCP6 192.0.2.1 198.51.100.2 4711 443\r\n",
      "PROXY TCP6 [::1] ::1 4711 443\r\n",
      "PROXY TCP6 fe80::1%eth0 ::1 4711 443\r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\n",
      "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r \n",
      "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\r\n",
      "PROXY UNKNOWN\n",
      "PROXY UNKNOWN \x01\r\n",
      "PROXY \r\n",
      "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\0\r\n"s,
  };
  for (const std::string& bytes : malformed) EXPECT_EQ(refused(bytes), Fault::kMalformed) << bytes;
  for (const std::string bytes :
       {"PROXY UDP4 192.0.2.1 198.51.100.2 1 2\r\n", "PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n",
        "PROXY TCP 192.0.2.1 198.51.100.2 1 2\r\n", "PROXY UNKNOWNS\r\n"})
    EXPECT_EQ(refused(bytes), Fault::kUnknown) << bytes;
}

TEST(ProxyProtocol, RefusesAnythingElseAtItsFirstByteThatDiffers) {
  for (const std::string bytes :
       {"GET / HTTP/1.1\r\n\r\n", "proxy TCP4", "PROXX", "PRI * HTTP/2.0", "\r\n\r\nGET /", "\x16\x03\x01"})
    EXPECT_EQ(refused(bytes), Fault::kNoHeader) << bytes;
}

TEST(ProxyProtocolV2, ReadsBothFamilies) {
  const Header four = accepted(v2(0x21, 0x11, kBlock4));
  EXPECT_EQ(four.version, Version::kV2);
  EXPECT_EQ(four.addresses->source.text(), "192.0.2.1:4711");
  EXPECT_EQ(four.addresses->destination.text(), "198.51.100.2:443");
  const std::string block6 =
      "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01" + std::string(15, '\0') + "\x01\x00\x50\x1f\x90"s;
  const Header six = accepted(v2(0x21, 0x21, block6));
  EXPECT_EQ(six.addresses->source.text(), "[2001:db8::1]:80");
  EXPECT_EQ(six.addresses->destination.text(), "[::1]:8080");
}

TEST(ProxyProtocolV2, UnixAddressesAreUnnamed) {
  const Header header = accepted(v2(0x21, 0x31, std::string(216, 'x')));
  EXPECT_TRUE(header.addresses->source.is_unix());
  EXPECT_EQ(header.addresses->source.path(), "");
}

TEST(ProxyProtocolV2, LocalAndUnspecifiedTellNothing) {
  EXPECT_FALSE(accepted(v2(0x20, 0x00, "")).addresses);
  EXPECT_FALSE(accepted(v2(0x20, 0x11, kBlock4)).addresses);
  EXPECT_FALSE(accepted(v2(0x20, 0xff, "whatever")).addresses) << "LOCAL: the family is ignored";
  EXPECT_FALSE(accepted(v2(0x21, 0x00, "")).addresses);
  EXPECT_FALSE(accepted(v2(0x21, 0x00, "not even TLVs")).addresses);
}

TEST(ProxyProtocolV2, FindsTlvs) {
  const std::string bytes =
      v2(0x21, 0x11, kBlock4 + tlv(0x04, "") + tlv(0x02, "www.example") + tlv(0x02, "second") + tlv(0xE0, "custom"));
  const Header header = accepted(bytes);
  EXPECT_EQ(header.tlv(TlvType::kAuthority), "www.example");
  EXPECT_EQ(header.tlv(TlvType::kNoop), "");
  EXPECT_EQ(header.tlv(TlvType::kUniqueId), std::nullopt);
}

TEST(ProxyProtocolV2, RefusesTlvsThatDoNotFit) {
  EXPECT_EQ(refused(v2(0x21, 0x11, kBlock4 + "\x01")), Fault::kMalformed);
  EXPECT_EQ(refused(v2(0x21, 0x11, kBlock4 + "\x01\x00"s)), Fault::kMalformed);
  EXPECT_EQ(refused(v2(0x21, 0x11, kBlock4 + "\x01\x00\x02x"s)), Fault::kMalformed);
  EXPECT_EQ(refused(v2(0x21, 0x11, kBlock4 + "\x01\xff\xff"s)), Fault::kMalformed);
}

TEST(ProxyProtocolV2, ChecksTheChecksumWhenThereIsOne) {
  EXPECT_EQ(crc32c("123456789"), 0xe306'9283U);  // RFC 3720 and every other table of check values
  std::string header = v2(0x21, 0x11, kBlock4 + tlv(0x03, std::string(4, '\0')) + tlv(0x02, "www.example"));
  const std::uint32_t sum = crc32c(header);
  const std::size_t at = 16 + kBlock4.size() + 3;
  for (unsigned i = 0; i < 4; ++i) header[at + i] = static_cast<char>(sum >> (24U - 8U * i));
  EXPECT_EQ(accepted(header).tlv(TlvType::kAuthority), "www.example");
  header[20] = static_cast<char>(header[20] ^ 1);
  EXPECT_EQ(refused(header), Fault::kChecksum);
  EXPECT_EQ(refused(v2(0x21, 0x11, kBlock4 + tlv(0x03, "abc"))), Fault::kChecksum);
}

TEST(ProxyProtocolV2, RefusesWhatTheSpecificationDoesNotSay) {
  EXPECT_EQ(refused(v2(0x11, 0x11, kBlock4)), Fault::kUnknown) << "version 1 in the clothes of 2";
  EXPECT_EQ(refused(v2(0x31, 0x11, kBlock4)), Fault::kUnknown);
  EXPECT_EQ(refused(v2(0x22, 0x11, kBlock4)), Fault::kUnknown);
  EXPECT_EQ(refused(v2(0x21, 0x12, kBlock4)), Fault::kUnknown) << "datagrams";
  EXPECT_EQ(refused(v2(0x21, 0x41, kBlock4)), Fault::kUnknown);
  EXPECT_EQ(refused(v2(0x21, 0x10, kBlock4)), Fault::kUnknown);
  EXPECT_EQ(refused(v2(0x21, 0x11, kBlock4.substr(0, 11))), Fault::kMalformed);
  EXPECT_EQ(refused(v2(0x21, 0x21, kBlock4)), Fault::kMalformed);
  EXPECT_EQ(refused(v2(0x21, 0x31, std::string(215, 'x'))), Fault::kMalformed);
  EXPECT_EQ(refused(v2(0x21, 0x11, kBlock4 + std::string(kMaxV2, '\0'))), Fault::kTooLong);
}

TEST(ProxyProtocol, WritesWhatItReads) {
  const auto pair = [](std::string_view source, std::string_view destination) {
    return Addresses{.source = SocketAddress::parse(source).value(),
                     .destination = SocketAddress::parse(destination).value()};
  };
  EXPECT_EQ(write(Version::kV1, pair("192.0.2.1:4711", "198.51.100.2:443")),
            "PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\n");
  EXPECT_EQ(write(Version::kV1, pair("192.0.2.1:1", "[2001:db8::1]:2")),
            "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 1 2\r\n");
  EXPECT_EQ(write(Version::kV1, pair("[::ffff:192.0.2.1]:1", "192.0.2.2:2")), "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n");
  EXPECT_EQ(write(Version::kV1, std::nullopt), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(write(Version::kV1, pair("unix:/a", "192.0.2.1:1")), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(write(Version::kV2, pair("192.0.2.1:4711", "198.51.100.2:443")), v2(0x21, 0x11, kBlock4));
  EXPECT_EQ(write(Version::kV2, std::nullopt), v2(0x21, 0x00, ""));
  for (const Version version : {Version::kV1, Version::kV2}) {
    const Addresses told = pair("[2001:db8::1]:65535", "[2001:db8::2]:1");
    const Header header = accepted(write(version, told));
    EXPECT_EQ(header.addresses->source, told.source);
    EXPECT_EQ(header.addresses->destination, told.destination);
  }
}

}  // namespace
}  // namespace sluice::proxy_protocol
