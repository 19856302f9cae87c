// What is taken from a DNS answer, and above all what is not.
#include "proto/dns/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/proto/dns/message_builder.h"

namespace sluice::dns {
namespace {

using test::Bytes;
using test::MessageBuilder;
using test::wire_name;
using testing::ElementsAre;

IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}

Result<Answer> parse_a(const MessageBuilder& message, std::string_view host) {
  return parse_answer(message.bytes(), host, Type::kA);
}

TEST(DnsAnswer, GivesTheAddressesOfTheName) {
  const auto message = MessageBuilder("www.example", Type::kA)
                           .address("www.example", "192.0.2.1", 60)
                           .address("www.example", "192.0.2.2", 30);
  const Result<Answer> answer = parse_a(message, "www.example");
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->kind, Answer::Kind::kAddresses);
  EXPECT_THAT(answer->addresses, ElementsAre(AddressRecord{ip("192.0.2.1"), 60}, AddressRecord{ip("192.0.2.2"), 30}));
}

TEST(DnsAnswer, GivesIpv6Addresses) {
  const auto message = MessageBuilder("www.example", Type::kAaaa).address("www.example", "2001:db8::1", 7);
  const Result<Answer> answer = parse_answer(message.bytes(), "www.example", Type::kAaaa);
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_THAT(answer->addresses, ElementsAre(AddressRecord{ip("2001:db8::1"), 7}));
}

TEST(DnsAnswer, ComparesNamesWithoutCaseAndWithoutTheClosingDot) {
  const auto message = MessageBuilder("WWW.Example", Type::kA).address("www.eXample", "192.0.2.1", 60);
  EXPECT_EQ(parse_a(message, "www.EXAMPLE.").value().addresses.size(), 1U);
}

TEST(DnsAnswer, FollowsAliasesInAnyOrderWithTheLeastTtl) {
  const auto message = MessageBuilder("a.example", Type::kA)
                           .address("c.example", "192.0.2.3", 500)
                           .cname("b.example", "c.example", 20)
                           .cname("a.example", "b.example", 300);
  EXPECT_THAT(parse_a(message, "a.example").value().addresses, ElementsAre(AddressRecord{ip("192.0.2.3"), 20}));
}

TEST(DnsAnswer, IgnoresRecordsOfOtherNames) {
  const auto message = MessageBuilder("a.example", Type::kA)
                           .address("evil.example", "192.0.2.66", 60)
                           .address("a.example", "192.0.2.1", 60);
  EXPECT_THAT(parse_a(message, "a.example").value().addresses, ElementsAre(AddressRecord{ip("192.0.2.1"), 60}));
}

TEST(DnsAnswer, OnlyForeignRecordsAreNoData) {
  const auto message = MessageBuilder("a.example", Type::kA).address("evil.example", "192.0.2.66", 60);
  EXPECT_EQ(parse_a(message, "a.example").value().kind, Answer::Kind::kNoData);
}

TEST(DnsAnswer, ADotInsideALabelIsNotASeparator) {
  // one label "b.example" as the alias' target is not the two labels b and example
  Bytes one_label = {9};
  for (const char c : std::string_view("b.example")) one_label.push_back(static_cast<std::uint8_t>(c));
  one_label.push_back(0);
  const auto message = MessageBuilder("a.example", Type::kA)
                           .record(wire_name("a.example"), test::kCname, 60, one_label)
                           .address("b.example", "192.0.2.66", 60);
  EXPECT_EQ(parse_a(message, "a.example").value().kind, Answer::Kind::kNoData);
}

TEST(DnsAnswer, RefusesAnAliasLoop) {
  const auto message =
      MessageBuilder("a.example", Type::kA).cname("a.example", "b.example", 60).cname("b.example", "a.example", 60);
  EXPECT_EQ(parse_a(message, "a.example").error().code(), Code::kBadSyntax);
}

TEST(DnsAnswer, FollowsAsManyAliasesAsItSaysAndNoMore) {
  for (const int links : {kMaxChain, kMaxChain + 1}) {
    MessageBuilder message("n0.example", Type::kA);
    for (int i = 0; i < links; ++i)
      message.cname("n" + std::to_string(i) + ".example", "n" + std::to_string(i + 1) + ".example", 60);
    message.address("n" + std::to_string(links) + ".example", "192.0.2.1", 60);
    EXPECT_EQ(parse_a(message, "n0.example").has_value(), links == kMaxChain) << links;
  }
}

TEST(DnsAnswer, BoundsTheNumberOfAddresses) {
  MessageBuilder message("a.example", Type::kA);
  for (int i = 0; i < 200; ++i) message.address("a.example", "192.0.2." + std::to_string(i), 60);
  EXPECT_EQ(parse_a(message, "a.example").value().addresses.size(), kMaxAddresses);
}

TEST(DnsAnswer, ATtlWithTheTopBitIsZero) {
  const auto message = MessageBuilder("a.example", Type::kA).address("a.example", "192.0.2.1", 0x8000'0001);
  EXPECT_EQ(parse_a(message, "a.example").value().addresses.front().ttl, 0U);
}

TEST(DnsAnswer, NoSuchNameComesWithTheTtlOfTheZone) {
  const auto message = MessageBuilder("no.example", Type::kA).code(3).soa("example", 900, 45);
  const Result<Answer> answer = parse_a(message, "no.example");
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->kind, Answer::Kind::kNoName);
  EXPECT_EQ(answer->negative_ttl, 45U);
}

TEST(DnsAnswer, NoDataTakesTheLesserOfTtlAndMinimum) {
  const auto message = MessageBuilder("a.example", Type::kA).soa("example", 10, 45);
  const Result<Answer> answer = parse_a(message, "a.example");
  EXPECT_EQ(answer.value().kind, Answer::Kind::kNoData);
  EXPECT_EQ(answer.value().negative_ttl, 10U);
}

TEST(DnsAnswer, NoSoaIsNoNegativeTtl) {
  EXPECT_EQ(parse_a(MessageBuilder("a.example", Type::kA).code(3), "a.example").value().negative_ttl, std::nullopt);
}

TEST(DnsAnswer, NamesTheCodeOfAServerThatFails) {
  const Result<Answer> answer = parse_a(MessageBuilder("a.example", Type::kA).code(2), "a.example");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::kDnsFailure);
  EXPECT_THAT(answer.error().message(), testing::HasSubstr("SERVFAIL"));
}

TEST(DnsAnswer, RefusesWhatWasNotAsked) {
  const auto address = [](MessageBuilder message) { return message.address("a.example", "192.0.2.1", 60); };
  const std::vector<MessageBuilder> lies = {
      address(MessageBuilder("b.example", Type::kA)),                // another name
      address(MessageBuilder("a.example", Type::kAaaa)),             // another type
      address(MessageBuilder("a.example", Type::kA).flags(0x0180)),  // a query
      address(MessageBuilder("a.example", Type::kA).flags(0xa180)),  // another opcode
      address(MessageBuilder("a.example", Type::kA).truncated()),    // cut short
      address(MessageBuilder("a.example", Type::kA).questions(0)),   // no question
      address(MessageBuilder("a.example", Type::kA).questions(2)),   // two
      address(MessageBuilder("a.example", Type::kA)).answers(2),     // fewer records than said
      address(MessageBuilder("a.example", Type::kA).code(3)),        // an address that does not exist
      MessageBuilder("a.example", Type::kA).record(wire_name("a.example"), 1, 60, {192, 0, 2}),
      MessageBuilder("a.example", Type::kA).record(wire_name("a.example"), test::kCname, 60, {5, 'b'}),
  };
  for (std::size_t i = 0; i < lies.size(); ++i) {
    const Result<Answer> answer = parse_a(lies[i], "a.example");
    ASSERT_FALSE(answer) << i;
    EXPECT_EQ(answer.error().code(), Code::kBadSyntax) << i;
  }
}

TEST(DnsAnswer, EveryShorterMessageIsRefused) {
  const Bytes whole = MessageBuilder("a.example", Type::kA)
                          .cname("a.example", "b.example", 60)
                          .address("b.example", "192.0.2.1", 60)
                          .bytes();
  ASSERT_TRUE(parse_answer(whole, "a.example", Type::kA));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(parse_answer(cut, "a.example", Type::kA)) << size;
  }
}

TEST(DnsAnswer, UnderstandsCompression) {
  const auto message = MessageBuilder("a.example", Type::kA).record({0xc0, 12}, 1, 60, {192, 0, 2, 1});
  EXPECT_EQ(parse_a(message, "a.example").value().addresses.front().ip, ip("192.0.2.1"));
}

TEST(DnsAnswer, RefusesPointersThatDoNotGoBack) {
  const std::uint8_t records_at = 12 + 11 + 4;  // header, a.example, type and class
  for (const std::uint8_t target : {records_at, static_cast<std::uint8_t>(records_at + 2), std::uint8_t{255}}) {
    const auto message = MessageBuilder("a.example", Type::kA).record({0xc0, target}, 1, 60, {192, 0, 2, 1});
    EXPECT_FALSE(parse_a(message, "a.example")) << int{target};
  }
  // two pointers that take turns
  Bytes ping = {1, 'x', 0xc0, records_at};
  EXPECT_FALSE(parse_a(MessageBuilder("a.example", Type::kA).record(ping, 1, 60, {192, 0, 2, 1}), "a.example"));
}

TEST(DnsAnswer, RefusesNamesBeyond255Bytes) {
  std::string label(60, 'x');
  std::string name = label;
  for (int i = 0; i < 4; ++i) name += "." + label;
  const auto message = MessageBuilder("a.example", Type::kA).address(name, "192.0.2.1", 60);
  EXPECT_FALSE(parse_a(message, "a.example"));
}

}  // namespace
}  // namespace sluice::dns
