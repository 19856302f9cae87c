// The resolver against a scripted DNS server: answers, lies, silence, sharing and cancelling.
#include "worker/offramp/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/frames.h"
#include "base/sys.h"
#include "ipc/metrics.h"
#include "ipc/metrics_reader.h"
#include "tests/unit/worker/offramp/dns_server.h"

namespace sluice::worker {
namespace {

using dns::Type;
using test::Bytes;
using test::DnsServer;
using test::MessageBuilder;
using test::Question;
using test::Reply;
using test::Transport;
using testing::ElementsAre;
using testing::HasSubstr;

class ResolverTest : public testing::Test {
 protected:
  ~ResolverTest() override {
    server_.reset();
    second_.reset();
    EXPECT_EQ(frames::live(), 0);
  }

  DnsServer& serve(DnsServer::Script script) { return server_.emplace(loop_, std::move(script)); }
  DnsServer& serve_second(DnsServer::Script script) { return second_.emplace(loop_, std::move(script)); }
  ResolverOptions options() const {
    ResolverOptions options{.timeout = Millis(300), .tries = 1};
    if (server_) options.servers.push_back(server_->address());
    if (second_) options.servers.push_back(second_->address());
    return options;
  }
  std::unique_ptr<Resolver> make(ResolverOptions options) { return Resolver::make(loop_, std::move(options)).value(); }

  using Outcome = std::optional<Result<Addresses>>;
  static Task<> ask(Resolver& resolver, std::string host, Deadline deadline, Outcome& outcome) {
    Result<Addresses> result = co_await resolver.resolve(host, deadline);
    outcome.emplace(std::move(result));
  }
  void run_until_empty(Scope& scope) {
    if (scope.empty()) return;  // all done at once: there is nothing to run
    Scope main;
    main.spawn([&] { return stop_when_done(scope); });
    loop_.run();
  }
  Task<> stop_when_done(Scope& scope) {
    co_await scope.join(loop_, Deadline::never());
    loop_.stop();
  }
  Task<> stop_after(Millis time) {
    co_await loop_.sleep(time);
    loop_.stop();
  }
  void run_for(Millis time) {
    Scope main;
    main.spawn([&] { return stop_after(time); });
    loop_.run();
  }

  Result<Addresses> resolve(Resolver& resolver, std::string host, Millis within = Millis(20'000)) {
    Outcome outcome;
    Scope scope;
    scope.spawn([&] { return ask(resolver, host, Deadline(steady_now() + within), outcome); });
    run_until_empty(scope);
    return std::move(*outcome);
  }
  std::vector<std::string> texts(const Result<Addresses>& result) {
    if (!result) return {result.error().message()};
    std::vector<std::string> out;
    for (const ResolvedAddress& address : *result) out.push_back(address.ip.text());
    return out;
  }

  Loop loop_;
  std::optional<DnsServer> server_;
  std::optional<DnsServer> second_;
};

Reply both_families(const Question& question) {
  MessageBuilder answer = question.answer();
  if (question.is(Type::kA)) {
    answer.address(question.name, "192.0.2.1", 60).address(question.name, "192.0.2.2", 60);
  } else {
    answer.address(question.name, "2001:db8::1", 60);
  }
  return {.messages = {answer.bytes()}};
}

Reply only_v4(const Question& question) {
  MessageBuilder answer = question.answer();
  if (question.is(Type::kA)) answer.address(question.name, "192.0.2.1", 60);
  return {.messages = {answer.bytes()}};
}

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

TEST_F(ResolverTest, CountsWhereAnswersCameFromAndHowTheyFailed) {
  const Fd memory = ipc::make_slab("test", 16).value();
  ipc::Slab slab = ipc::Slab::attach(memory.get()).value();
  ipc::MetricsWriter writer(slab);
  PathMetrics metrics(writer, TrafficNames{});
  serve([](const Question& question) {
    if (question.name == "no.example") return Reply{.messages = {question.answer().code(3).bytes()}};
    return only_v4(question);
  });
  const auto resolver = make(options());
  resolver->count_in(metrics);
  for (const std::string host : {"localhost", "a.example", "a.example", "a.example", "no.example", "no.example", "-"})
    static_cast<void>(resolve(*resolver, host).has_value());
  static_cast<void>(resolve(*resolver, "192.0.2.1").has_value());  // a literal is no lookup
  std::map<std::string, std::uint64_t> counts;
  const ipc::SlabReader reader = ipc::SlabReader::open(memory.get()).value();
  for (const auto& family : ipc::read_metrics(*reader.view()).families) {
    if (!family.name.starts_with("sluice_dns")) continue;
    for (const auto& series : family.series) counts[series.labels.front().value] = series.count;
  }
  const std::map<std::string, std::uint64_t> expected = {{std::string(name(DnsSource::kHosts)), 1},
                                                         {std::string(name(DnsSource::kServer)), 1},
                                                         {std::string(name(DnsSource::kCache)), 2},
                                                         {std::string(name(Code::kDnsFailure)), 2},
                                                         {std::string(name(Code::kBadSyntax)), 1}};
  EXPECT_EQ(counts, expected);
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

TEST_F(ResolverTest, TheCallersDeadlineIsATimeoutAndTheLookupGoesOn) {
  serve([](const Question& question) {
    Reply reply = only_v4(question);
    reply.delay = Millis(100);
    return reply;
  });
  const auto resolver = make(options());
  EXPECT_EQ(resolve(*resolver, "www.example", Millis(20)).error().code(), Code::kDnsTimeout);
  EXPECT_EQ(resolver->active(), 1U);
  run_for(Millis(150));
  EXPECT_EQ(resolver->active(), 0U);
  EXPECT_EQ(resolver->cache().size(), 1U);
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
    if (question.is(Type::kAaaa)) reply.delay = Millis(200);
    return reply;
  });
  const auto resolver = make(options());
  const Nanos start = steady_now();
  EXPECT_THAT(texts(resolve(*resolver, "www.example")), ElementsAre("192.0.2.1", "192.0.2.2"));
  EXPECT_LT(steady_now() - start, Millis(150));
  EXPECT_GE(steady_now() - start, kResolutionDelay);
  // who asks meanwhile gets what is known
  EXPECT_THAT(texts(resolve(*resolver, "www.example")), ElementsAre("192.0.2.1", "192.0.2.2"));
  EXPECT_EQ(resolver->counts().lookups, 1U);
  run_for(Millis(250));
  EXPECT_THAT(texts(resolve(*resolver, "www.example")), ElementsAre("2001:db8::1", "192.0.2.1", "192.0.2.2"));
  EXPECT_EQ(resolver->counts().lookups, 1U);
}

TEST_F(ResolverTest, ManyCallersOfOneNameShareOneLookup) {
  DnsServer& server = serve(both_families);
  const auto resolver = make(options());
  std::vector<Outcome> outcomes(500);
  {
    Scope scope;
    for (Outcome& outcome : outcomes)
      scope.spawn([&] { return ask(*resolver, "www.example", Deadline::never(), outcome); });
    run_until_empty(scope);
  }
  for (const Outcome& outcome : outcomes) EXPECT_EQ(outcome.value().value().size(), 3U);
  EXPECT_EQ(server.seen().size(), 2U);
  EXPECT_EQ(resolver->counts().shared, 499U);
}

TEST_F(ResolverTest, CancellingOneCallerLeavesTheOthers) {
  serve([](const Question& question) {
    Reply reply = only_v4(question);
    reply.delay = Millis(30);
    return reply;
  });
  const auto resolver = make(options());
  Outcome kept;
  Outcome dropped;
  Scope scope;
  {
    Scope leaving;
    leaving.spawn([&] { return ask(*resolver, "www.example", Deadline::never(), dropped); });
    scope.spawn([&] { return ask(*resolver, "www.example", Deadline::never(), kept); });
    run_for(Millis(10));
  }
  run_until_empty(scope);
  EXPECT_FALSE(dropped);
  EXPECT_THAT(texts(kept.value()), ElementsAre("192.0.2.1"));
}

TEST_F(ResolverTest, MayBeDestroyedAtAnyPointOfALookup) {
  // UDP, then TCP, one side slow: destroyed after every millisecond of it
  for (int stop = 0; stop < 60; stop += 2) {
    DnsServer server(loop_, [](const Question& question) {
      Reply reply = both_families(question);
      if (question.transport == Transport::kUdp) reply.messages = {question.answer().truncated().bytes()};
      reply.delay = question.is(Type::kA) ? Millis(10) : Millis(25);
      return reply;
    });
    const auto resolver = make({.servers = {server.address()}, .timeout = Millis(300), .tries = 1});
    Outcome outcome;
    Scope scope;
    scope.spawn([&] { return ask(*resolver, "www.example", Deadline::never(), outcome); });
    run_for(Millis(stop));
    scope.cancel();
  }
}

TEST_F(ResolverTest, TooManyNamesAtOnceAreTurnedAway) {
  serve([](const Question&) { return Reply{}; });
  ResolverOptions few = options();
  few.max_lookups = 3;
  const auto resolver = make(std::move(few));
  std::vector<Outcome> outcomes(5);
  Scope scope;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    scope.spawn(
        [&, i] { return ask(*resolver, "n" + std::to_string(i) + ".example", Deadline::never(), outcomes[i]); });
  }
  EXPECT_EQ(resolver->active(), 3U);
  EXPECT_EQ(outcomes[3].value().error().code(), Code::kOverload);
  EXPECT_EQ(outcomes[4].value().error().code(), Code::kOverload);
  EXPECT_EQ(resolver->counts().overloads, 2U);
  run_until_empty(scope);
  EXPECT_EQ(outcomes[0].value().error().code(), Code::kDnsTimeout);
}

TEST_F(ResolverTest, TenThousandNamesKeepTheCacheAndTheFramesBounded) {
  serve(only_v4);
  ResolverOptions bounded = options();
  bounded.cache.names = 100;
  bounded.timeout = Millis(5'000);
  const auto resolver = make(std::move(bounded));
  const std::int64_t frames_before = frames::live();
  constexpr int kBatch = 50;
  for (int first = 0; first < 10'000; first += kBatch) {
    std::vector<Outcome> outcomes(kBatch);
    Scope scope;
    for (int i = 0; i < kBatch; ++i) {
      scope.spawn([&, i] {
        return ask(*resolver, "n" + std::to_string(first + i) + ".example", Deadline::never(), outcomes[i]);
      });
    }
    run_until_empty(scope);
    for (const Outcome& outcome : outcomes) ASSERT_TRUE(outcome.value()) << outcome->error().message();
  }
  EXPECT_EQ(resolver->cache().size(), 100U);
  EXPECT_EQ(resolver->active(), 0U);
  // the last sockets go with the next turn of their channel
  run_for(Millis(10));
  EXPECT_LE(frames::live(), frames_before + 1);
}

// Every system call fails in turn, ours and the server's: an answer or an error comes back, nothing hangs or leaks.
int calls_left = 0;
int fail_one(const char*) {
  return --calls_left == 0 ? ENOBUFS : 0;
}

TEST_F(ResolverTest, SurvivesTheFailureOfAnySystemCall) {
  int answered = 0;
  constexpr int kCalls = 60;
  for (int failing = 1; failing <= kCalls; ++failing) {
    DnsServer server(loop_, [](const Question& question) {
      Reply reply = both_families(question);
      if (question.transport == Transport::kUdp) reply.messages = {question.answer().truncated().bytes()};
      return reply;
    });
    const auto resolver = make({.servers = {server.address()}, .timeout = Millis(20), .tries = 2});
    calls_left = failing;
    sys::inject(fail_one);
    const Result<Addresses> result = resolve(*resolver, "www.example", Millis(2'000));
    sys::inject(nullptr);
    if (result) {
      ++answered;
    } else {
      EXPECT_NE(result.error().message(), "www.example: no answer in time") << failing << ": it hangs";
    }
  }
  EXPECT_GT(calls_left, 0) << "there are more calls than were made to fail";
  EXPECT_GE(answered, kCalls / 2);
}

TEST_F(ResolverTest, ANewLookupComesFromANewPort) {
  DnsServer& server = serve(only_v4);
  const auto resolver = make(options());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(resolve(*resolver, "n" + std::to_string(i) + ".example"));
  std::set<std::uint16_t> ports;
  std::set<std::uint16_t> ids;
  for (const Question& question : server.seen()) {
    ports.insert(question.from_port);
    ids.insert(question.id);
  }
  EXPECT_GE(ports.size(), 15U);
  EXPECT_GE(ids.size(), 35U);
}

}  // namespace
}  // namespace sluice::worker
