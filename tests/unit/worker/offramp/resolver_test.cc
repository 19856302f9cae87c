// The resolver against a scripted DNS server: answers, lies, failures and silence.
#include "worker/offramp/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/worker/offramp/resolver_fixture.h"

namespace sluice::worker {
namespace {

using dns::Type;
using test::both_families;
using test::Bytes;
using test::DnsServer;
using test::MessageBuilder;
using test::only_v4;
using test::Question;
using test::Reply;
using test::ResolverTest;
using test::Transport;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(ResolverTest, AsksForBothFamiliesAndInterleavesThem) {
  DnsServer& server = serve(both_families);
  const auto resolver = make(options());
  EXPECT_THAT(texts(resolve(*resolver, "www.example")), ElementsAre("2001:db8::1", "192.0.2.1", "192.0.2.2"));
  EXPECT_EQ(server.seen().size(), 2U);
  EXPECT_EQ(server.seen()[0].name, "www.example");
}

TEST_F(ResolverTest, AsksOnceForWhatItKnows) {
  DnsServer& server = serve(both_families);
  const auto resolver = make(options());
  ASSERT_TRUE(resolve(*resolver, "www.example"));
  EXPECT_THAT(texts(resolve(*resolver, "WWW.Example.")), ElementsAre("2001:db8::1", "192.0.2.1", "192.0.2.2"));
  EXPECT_EQ(server.seen().size(), 2U);
  EXPECT_EQ(resolver->counts().lookups, 1U);
  EXPECT_EQ(resolver->cache().hits(), 1U);
}

TEST_F(ResolverTest, AsksAgainWhenTheTtlHasPassed) {
  DnsServer& server = serve([](const Question& question) {
    MessageBuilder answer = question.answer();
    if (question.is(Type::kA)) answer.address(question.name, "192.0.2.1", 1);
    return Reply{.messages = {answer.bytes()}};
  });
  const auto resolver = make(options());
  ASSERT_TRUE(resolve(*resolver, "www.example"));
  ASSERT_TRUE(resolve(*resolver, "www.example"));
  EXPECT_EQ(server.seen().size(), 2U);
  run_for(Millis(1'050));
  ASSERT_TRUE(resolve(*resolver, "www.example"));
  EXPECT_EQ(server.seen().size(), 4U);
}

TEST_F(ResolverTest, LiteralsHostsAndLocalNamesAskNobody) {
  DnsServer& server = serve(both_families);
  ResolverOptions with_hosts = options();
  with_hosts.hosts["origin.internal"] = {IpAddress::parse("10.0.0.7").value(), IpAddress::parse("fd00::7").value()};
  const auto resolver = make(std::move(with_hosts));
  EXPECT_THAT(texts(resolve(*resolver, "192.0.2.9")), ElementsAre("192.0.2.9"));
  EXPECT_THAT(texts(resolve(*resolver, "2001:db8::9")), ElementsAre("2001:db8::9"));
  EXPECT_THAT(texts(resolve(*resolver, "Origin.Internal")), ElementsAre("10.0.0.7", "fd00::7"));
  EXPECT_THAT(texts(resolve(*resolver, "localhost")), ElementsAre("::1", "127.0.0.1"));
  EXPECT_THAT(texts(resolve(*resolver, "a.LOCALHOST.")), ElementsAre("::1", "127.0.0.1"));
  EXPECT_EQ(resolve(*resolver, "x.invalid").error().code(), Code::kDnsFailure);
  EXPECT_EQ(resolve(*resolver, "x.onion").error().code(), Code::kDnsFailure);
  EXPECT_EQ(server.seen().size(), 0U);
  EXPECT_TRUE(resolve(*resolver, "notlocalhost"));
  EXPECT_EQ(server.seen().size(), 2U);
}

TEST_F(ResolverTest, RefusesWhatIsNoName) {
  DnsServer& server = serve(both_families);
  const auto resolver = make(options());
  for (const std::string host : {"", ".", "a..b", "a b", "127.1", "0x7f.1", "a/b", "-a.example", "a\r\nb", "[::1]"})
    EXPECT_EQ(resolve(*resolver, host).error().code(), Code::kBadSyntax) << host;
  EXPECT_EQ(resolve(*resolver, std::string("a.example\0.evil", 15)).error().code(), Code::kBadSyntax);
  EXPECT_EQ(resolve(*resolver, std::string(300, 'a')).error().code(), Code::kBadSyntax);
  EXPECT_EQ(server.seen().size(), 0U);
}

TEST_F(ResolverTest, WithoutServersNamesFail) {
  const auto resolver = make(ResolverOptions{});
  EXPECT_EQ(resolve(*resolver, "www.example").error().code(), Code::kDnsFailure);
  EXPECT_TRUE(resolve(*resolver, "127.0.0.1"));
}

TEST_F(ResolverTest, NoSuchNameIsAnErrorAndIsRemembered) {
  DnsServer& server = serve([](const Question& question) {
    return Reply{.messages = {question.answer().code(3).soa("example", 60, 60).bytes()}};
  });
  const auto resolver = make(options());
  const Error error = resolve(*resolver, "no.example").error();
  EXPECT_EQ(error.code(), Code::kDnsFailure);
  EXPECT_EQ(error.side(), Side::kOrigin);
  EXPECT_THAT(error.message(), HasSubstr("no.example: no such name"));
  EXPECT_EQ(resolve(*resolver, "no.example").error().code(), Code::kDnsFailure);
  EXPECT_EQ(server.seen().size(), 2U);
}

TEST_F(ResolverTest, ASoaWithTtlZeroIsNotRemembered) {
  DnsServer& server = serve(
      [](const Question& question) { return Reply{.messages = {question.answer().soa("example", 0, 60).bytes()}}; });
  const auto resolver = make(options());
  EXPECT_THAT(resolve(*resolver, "a.example").error().message(), HasSubstr("no address"));
  EXPECT_FALSE(resolve(*resolver, "a.example"));
  EXPECT_EQ(server.seen().size(), 4U);
}

TEST_F(ResolverTest, FollowsAliases) {
  serve([](const Question& question) {
    MessageBuilder answer = question.answer();
    answer.cname(question.name, "b.example", 60).cname("b.example", "c.example", 60);
    if (question.is(Type::kA)) answer.address("c.example", "192.0.2.3", 60);
    return Reply{.messages = {answer.bytes()}};
  });
  const auto resolver = make(options());
  EXPECT_THAT(texts(resolve(*resolver, "a.example")), ElementsAre("192.0.2.3"));
}

TEST_F(ResolverTest, ATruncatedAnswerIsFetchedOverTcp) {
  DnsServer& server = serve([](const Question& question) {
    MessageBuilder answer = question.answer();
    if (question.transport == Transport::kUdp) return Reply{.messages = {answer.truncated().bytes()}};
    for (int i = 0; i < 200 && question.is(Type::kA); ++i)
      answer.address(question.name, "192.0.2." + std::to_string(i), 60);
    return Reply{.messages = {answer.bytes()}};
  });
  const auto resolver = make(options());
  const Result<Addresses> result = resolve(*resolver, "big.example");
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->size(), dns::kMaxAddresses);
  EXPECT_EQ(server.seen_over(Transport::kTcp), 2U);
}

TEST_F(ResolverTest, ASilentServerIsFollowedByTheNext) {
  DnsServer& silent = serve([](const Question&) { return Reply{}; });
  DnsServer& second = serve_second(only_v4);
  const auto resolver = make(options());
  EXPECT_THAT(texts(resolve(*resolver, "www.example")), ElementsAre("192.0.2.1"));
  EXPECT_EQ(silent.seen().size(), 2U);
  EXPECT_EQ(second.seen().size(), 2U);
}

TEST_F(ResolverTest, RotatingSpreadsQuestionsOverTheServers) {
  DnsServer& first = serve(only_v4);
  DnsServer& second = serve_second(only_v4);
  ResolverOptions rotating = options();
  rotating.order = ServerOrder::kRotating;
  const auto resolver = make(std::move(rotating));
  for (const std::string host : {"a.example", "b.example", "c.example", "d.example"})
    EXPECT_THAT(texts(resolve(*resolver, host)), ElementsAre("192.0.2.1"));
  EXPECT_EQ(first.seen().size(), 4U);
  EXPECT_EQ(second.seen().size(), 4U);
}

TEST_F(ResolverTest, AFailingServerIsFollowedByTheNextAtOnce) {
  serve([](const Question& question) { return Reply{.messages = {question.answer().code(2).bytes()}}; });
  serve_second(only_v4);
  ResolverOptions patient = options();
  patient.timeout = Millis(10'000);
  const auto resolver = make(std::move(patient));
  EXPECT_THAT(texts(resolve(*resolver, "www.example", Millis(5'000))), ElementsAre("192.0.2.1"));
}

TEST_F(ResolverTest, NobodyListeningIsFollowedByTheNextAtOnce) {
  ResolverOptions patient{.timeout = Millis(10'000), .tries = 1};
  {
    DnsServer gone(loop_, only_v4);
    patient.servers.push_back(gone.address());
  }
  patient.servers.push_back(serve_second(both_families).address());
  const auto resolver = make(std::move(patient));
  // both families: c-ares by itself would move one of the two questions and let the other one time out
  EXPECT_THAT(texts(resolve(*resolver, "www.example", Millis(5'000))),
              ElementsAre("2001:db8::1", "192.0.2.1", "192.0.2.2"));
}

TEST_F(ResolverTest, AllServersSilentIsATimeout) {
  serve([](const Question&) { return Reply{}; });
  const auto resolver = make(options());
  const Error error = resolve(*resolver, "www.example").error();
  EXPECT_EQ(error.code(), Code::kDnsTimeout);
  EXPECT_EQ(error.retry(), Retry::kYes);
}

TEST_F(ResolverTest, AllServersFailingIsAFailureThatIsNotRemembered) {
  DnsServer& server =
      serve([](const Question& question) { return Reply{.messages = {question.answer().code(2).bytes()}}; });
  const auto resolver = make(options());
  EXPECT_EQ(resolve(*resolver, "www.example").error().code(), Code::kDnsFailure);
  const std::size_t asked = server.seen().size();
  EXPECT_EQ(resolve(*resolver, "www.example").error().code(), Code::kDnsFailure);
  EXPECT_EQ(server.seen().size(), 2 * asked);
}

TEST_F(ResolverTest, LiesAreNotBelieved) {
  // each lie comes before the truth, as an attacker who is faster than the server would have it
  serve([](const Question& question) {
    Question wrong_id = question;
    wrong_id.id ^= 0x5555U;
    Question wrong_name = question;
    wrong_name.name = "evil.example";
    Question wrong_type = question;
    wrong_type.type = 16;
    Reply reply;
    for (const Question& lie : {wrong_id, wrong_name, wrong_type})
      reply.messages.push_back(lie.answer().address(question.name, "192.0.2.66", 60).bytes());
    reply.messages.push_back({});            // an empty datagram
    reply.messages.push_back({0x12, 0x34});  // less than a header
    reply.messages.push_back(only_v4(question).messages.front());
    return reply;
  });
  const auto resolver = make(options());
  EXPECT_THAT(texts(resolve(*resolver, "www.example")), ElementsAre("192.0.2.1"));
}

TEST_F(ResolverTest, AddressesOfOtherNamesAreNotTaken) {
  serve([](const Question& question) {
    MessageBuilder answer = question.answer();
    if (question.is(Type::kA)) answer.address("evil.example", "192.0.2.66", 60).address(question.name, "192.0.2.1", 60);
    return Reply{.messages = {answer.bytes()}};
  });
  const auto resolver = make(options());
  EXPECT_THAT(texts(resolve(*resolver, "www.example")), ElementsAre("192.0.2.1"));
  EXPECT_EQ(resolver->cache().size(), 1U);
}

TEST_F(ResolverTest, ABrokenAnswerIsAFailure) {
  serve([](const Question& question) {
    Bytes bytes =
        question.answer().address(question.name, "192.0.2.1", 60).address(question.name, "2001:db8::1", 60).bytes();
    bytes.resize(bytes.size() - 30);
    return Reply{.messages = {bytes}};
  });
  const auto resolver = make(options());
  EXPECT_EQ(resolve(*resolver, "www.example").error().code(), Code::kDnsFailure);
  EXPECT_EQ(resolver->cache().size(), 0U);
}

TEST_F(ResolverTest, OneFamilyIsEnoughWhenTheOtherFails) {
  serve([](const Question& question) {
    if (question.is(Type::kAaaa)) return Reply{.messages = {question.answer().code(2).bytes()}};
    return only_v4(question);
  });
  const auto resolver = make(options());
  EXPECT_THAT(texts(resolve(*resolver, "www.example")), ElementsAre("192.0.2.1"));
}

TEST_F(ResolverTest, DoesNotWaitForASlowAaaaButKeepsItsAnswer) {
  serve([](const Question& question) {
    Reply reply = both_families(question);
    if (question.is(Type::kAaaa)) reply.delay = Millis(600);
    return reply;
  });
  ResolverOptions patient = options();
  patient.timeout = Millis(3000);
  const auto resolver = make(std::move(patient));
  const Nanos start = steady_now();
  EXPECT_THAT(texts(resolve_first(*resolver, "www.example")), ElementsAre("192.0.2.1", "192.0.2.2"));
  EXPECT_LT(steady_now() - start, Millis(600));
  EXPECT_GE(steady_now() - start, kResolutionDelay);
  // who asks meanwhile gets what is known
  EXPECT_TRUE(resolver->is_asking("WWW.example."));
  EXPECT_THAT(texts(resolve_first(*resolver, "www.example")), ElementsAre("192.0.2.1", "192.0.2.2"));
  EXPECT_EQ(resolver->counts().lookups, 1U);
  // … or, when it wants to, everything
  EXPECT_THAT(texts(resolve(*resolver, "www.example")), ElementsAre("2001:db8::1", "192.0.2.1", "192.0.2.2"));
  EXPECT_FALSE(resolver->is_asking("www.example"));
  EXPECT_THAT(texts(resolve_first(*resolver, "www.example")), ElementsAre("2001:db8::1", "192.0.2.1", "192.0.2.2"));
  EXPECT_EQ(resolver->counts().lookups, 1U);
}

TEST_F(ResolverTest, DoesNotWaitForAWhenAaaaIsThere) {
  serve([](const Question& question) {
    Reply reply = both_families(question);
    if (question.is(Type::kA)) reply.delay = Millis(200);
    return reply;
  });
  const auto resolver = make(options());
  const Nanos start = steady_now();
  EXPECT_THAT(texts(resolve_first(*resolver, "www.example")), ElementsAre("2001:db8::1"));
  EXPECT_LT(steady_now() - start, kResolutionDelay);
  EXPECT_THAT(texts(resolve(*resolver, "www.example")), ElementsAre("2001:db8::1", "192.0.2.1", "192.0.2.2"));
}

TEST_F(ResolverTest, ASilentFamilyHoldsNobodyUp) {
  serve([](const Question& question) { return question.is(Type::kA) ? Reply{} : both_families(question); });
  const auto resolver = make(options());
  EXPECT_THAT(texts(resolve_first(*resolver, "www.example")), ElementsAre("2001:db8::1"));
  EXPECT_THAT(texts(resolve(*resolver, "www.example")), ElementsAre("2001:db8::1"));
}

}  // namespace
}  // namespace sluice::worker
