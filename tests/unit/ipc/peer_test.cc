// The channel under its rules: a supervisor's end and a worker's end in one process.
#include "ipc/peer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/frames.h"
#include "base/scope.h"
#include "ipc/memfd.h"

namespace sluice::ipc {
namespace {

using testing::HasSubstr;

Deadline soon() {
  return Deadline(steady_now() + Millis(2000));
}

struct Ends {
  explicit Ends(ChannelPair pair) : supervisor(std::move(pair.supervisor)), worker(std::move(pair.worker)) {}
  SupervisorEnd supervisor;
  WorkerEnd worker;
};

class PeerTest : public testing::Test {
 protected:
  ~PeerTest() override { EXPECT_EQ(frames::live(), 0); }

  // Brings both sides to the phase in which workers serve.
  void start() {
    ASSERT_TRUE(ends_.worker.post(Ready{}));
    ASSERT_TRUE(ends_.supervisor.receive_blocking(soon()));
  }

  Loop loop_;
  Ends ends_{*channel_pair()};
};

TEST_F(PeerTest, CarriesASealedMemfdAndTellsTheKind) {
  const Result<Fd> settings = seal_bytes("settings", R"({"a":1})");
  const Result<Fd> slab = seal_bytes("slab", "x");
  ASSERT_TRUE(settings && slab);
  const std::array fds{settings->get(), slab->get()};
  ASSERT_TRUE(ends_.supervisor.post(Configure{.generation = 7, .tenant = "acme", .worker_index = 3}, fds));
  const auto received = ends_.worker.receive_blocking(soon());
  ASSERT_TRUE(received);
  const auto& configure = std::get<Configure>(received->message);
  EXPECT_EQ(configure.generation, 7U);
  EXPECT_EQ(configure.tenant, "acme");
  EXPECT_EQ(configure.worker_index, 3U);
  ASSERT_EQ(received->fds.size(), 2U);
  const Result<SealedBytes> bytes = SealedBytes::open(received->fds[0].get(), 100);
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->view(), R"({"a":1})");
}

TEST_F(PeerTest, RefusesAMessageOutsideItsPhase) {
  const Result<> drain = ends_.supervisor.post(Drain{.request_ms = 1});
  ASSERT_FALSE(drain);
  EXPECT_EQ(drain.error().code(), Code::kProtocol);
  EXPECT_THAT(drain.error().message(), HasSubstr("supervisor may not say Drain while starting"));
  start();
  EXPECT_FALSE(ends_.worker.post(Drained{}));
  ASSERT_TRUE(ends_.supervisor.post(Drain{.request_ms = 1}));
  ASSERT_TRUE(ends_.worker.receive_blocking(soon()));
  EXPECT_TRUE(ends_.worker.post(Drained{}));
}

Task<> wait_for_ready(Loop& loop, SupervisorEnd& supervisor, std::string& seen) {
  const Deadline deadline = soon();
  const auto received = co_await supervisor.receive(deadline);
  if (received) {
    std::visit(On{[&](const Ready&) { seen = "ready"; }, [&](const auto&) { seen = "something else"; }},
               received->message);
  } else {
    seen = received.error().message();
  }
  loop.stop();
}

TEST_F(PeerTest, WakesTheCoroutineThatWaits) {
  std::string seen;
  ends_.supervisor.attach(loop_);
  Scope scope;
  scope.spawn([&] { return wait_for_ready(loop_, ends_.supervisor, seen); });
  ASSERT_TRUE(ends_.worker.post(Ready{}));
  loop_.run();
  EXPECT_EQ(seen, "ready");
}

}  // namespace
}  // namespace sluice::ipc
