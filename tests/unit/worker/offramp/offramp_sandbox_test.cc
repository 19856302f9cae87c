// Names and connections under the worker's own seccomp filter, where a call that is not on the list kills: c-ares must
// not open a file once the door is closed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

#include "base/sanitizer.h"
#include "base/scope.h"
#include "base/seccomp.h"
#include "tests/unit/worker/offramp/dns_server.h"
#include "worker/offramp/dial.h"
#include "worker/offramp/resolver.h"
#include "worker/sandbox/policy.h"

namespace sluice::worker {
namespace {

using test::DnsServer;
using test::Question;
using test::Reply;
using test::Transport;

// "big" comes over TCP, "silent" from the second server after a timeout, "no" not at all.
Reply script(const Question& question) {
  test::MessageBuilder answer = question.answer();
  if (question.name == "no.example") return {.messages = {answer.code(3).bytes()}};
  if (question.name == "big.example" && question.transport == Transport::kUdp)
    return {.messages = {answer.truncated().bytes()}};
  if (question.is(dns::Type::kA)) answer.address(question.name, "127.0.0.1", 60);
  return {.messages = {answer.bytes()}};
}

Task<> work(Loop& loop, Resolver& resolver, std::uint16_t port, int& failures) {
  for (const std::string_view host : {"www.example", "big.example", "silent.example"}) {
    const Result<Addresses> addresses = co_await resolver.resolve(host, Deadline::never());
    if (!addresses) {
      std::fprintf(stderr, "%s\n", addresses.error().message().c_str());
      ++failures;
      continue;
    }
    const std::vector<SocketAddress> candidates = with_port(*addresses, port);
    const DialRequest request{.candidates = candidates};
    const Result<Connected> connected = co_await dial(loop, request);
    if (!connected) ++failures;
  }
  const Result<Addresses> none = co_await resolver.resolve("no.example", Deadline::never());
  if (none) ++failures;
  loop.stop();
}

enum class Then : std::uint8_t { kLeave, kOpen };

[[noreturn]] void run_under_the_filter(Then then) {
  Loop loop;
  DnsServer first(
      loop, [](const Question& question) { return question.name == "silent.example" ? Reply{} : script(question); });
  DnsServer second(loop, script);
  const auto resolver =
      Resolver::make(loop, {.servers = {first.address(), second.address()}, .timeout = Millis(50), .tries = 1}).value();
  int failures = 0;
  Scope scope;
  if (!seccomp::allow_only(worker_policy(Sources::kKernel), seccomp::Mode::kKill)) ::_exit(9);
  // the name server's own TCP port is somebody to connect to
  scope.spawn([&] { return work(loop, *resolver, first.address().port(), failures); });
  loop.run();
  if (then == Then::kOpen) static_cast<void>(::open("/dev/null", O_RDONLY));
  ::_exit(failures == 0 ? 0 : 1);
}

TEST(OffRampUnderTheFilterDeathTest, ResolvesAndConnects) {
  EXPECT_EXIT(run_under_the_filter(Then::kLeave), testing::ExitedWithCode(0), "");
}

TEST(OffRampUnderTheFilterDeathTest, TheFilterIsReallyOn) {
  if (kSanitized) GTEST_SKIP() << "sanitizers need to open files";
  EXPECT_EXIT(run_under_the_filter(Then::kOpen), testing::KilledBySignal(SIGSYS), "");
}

}  // namespace
}  // namespace sluice::worker
