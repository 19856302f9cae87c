// What the tests of the resolver share: a loop, up to two scripted servers, and a way to ask and wait.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/frames.h"
#include "base/loop.h"
#include "base/scope.h"
#include "tests/unit/worker/offramp/dns_server.h"
#include "worker/offramp/resolver.h"

namespace sluice::worker::test {

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
  static Task<> ask_first(Resolver& resolver, std::string host, Outcome& outcome) {
    Result<Addresses> result = co_await resolver.resolve_first(host, Deadline::never());
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
  Result<Addresses> resolve_first(Resolver& resolver, std::string host) {
    Outcome outcome;
    Scope scope;
    scope.spawn([&] { return ask_first(resolver, host, outcome); });
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

inline Reply both_families(const Question& question) {
  MessageBuilder answer = question.answer();
  if (question.is(dns::Type::kA)) {
    answer.address(question.name, "192.0.2.1", 60).address(question.name, "192.0.2.2", 60);
  } else {
    answer.address(question.name, "2001:db8::1", 60);
  }
  return {.messages = {answer.bytes()}};
}

inline Reply only_v4(const Question& question) {
  MessageBuilder answer = question.answer();
  if (question.is(dns::Type::kA)) answer.address(question.name, "192.0.2.1", 60);
  return {.messages = {answer.bytes()}};
}

}  // namespace sluice::worker::test
