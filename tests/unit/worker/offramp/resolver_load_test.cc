// The resolver with many callers, many names, callers that go away, and system calls that fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/frames.h"
#include "base/scope.h"
#include "base/sys.h"
#include "ipc/metrics.h"
#include "ipc/metrics_reader.h"
#include "tests/unit/worker/offramp/resolver_fixture.h"

namespace sluice::worker {
namespace {

using dns::Type;
using test::both_families;
using test::DnsServer;
using test::only_v4;
using test::Question;
using test::Reply;
using test::ResolverTest;
using test::Transport;
using testing::ElementsAre;

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
