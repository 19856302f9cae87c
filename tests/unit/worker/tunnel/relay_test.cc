// A tunnel between two socket pairs; the test holds the outer ends.
#include "worker/tunnel/relay.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/scope.h"
#include "base/sys.h"
#include "worker/flow/socket_stream.h"

namespace sluice::worker {
namespace {

struct Pair {
  Pair() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) std::abort();
    outer = Fd(ends[0]);
    inner = Fd(ends[1]);
  }
  Fd outer;
  Fd inner;
};

class RelayTest : public testing::Test {
 protected:
  // Runs the tunnel beside `script` until the tunnel has ended.
  void run(const TunnelTimeouts& timeouts, auto script) {
    Scope scope;
    scope.spawn([&]() -> Task<> {
      const TunnelEnd client{.stream = client_stream_, .early = client_early_};
      const TunnelEnd origin{.stream = origin_stream_, .early = origin_early_};
      do {
        halt_.wanted = false;
        TunnelOutcome outcome = co_await relay(loop_, client, origin, timeouts, counts_, progress_, halt_);
        outcome_ = std::move(outcome);
        if (outcome_.ending == TunnelEnding::kHalted) {
          ++halts_;
          if (!client_early_.empty() || !origin_early_.empty()) ++halts_with_bytes_;
        }
      } while (outcome_.ending == TunnelEnding::kHalted);
      loop_.stop();
    });
    scope.spawn(script);
    const Nanos start = loop_.now();
    loop_.run();
    took_ = steady_now() - start;
  }

  static void end(const Fd& fd) { ASSERT_EQ(::shutdown(fd.get(), SHUT_WR), 0); }

  // All bytes until the end of the stream.
  Task<> read_all(const Fd& fd, std::string& into) {
    std::array<char, 65536> block{};
    for (;;) {
      const sys::Io io = sys::read(fd.get(), block);
      if (io.again()) {
        co_await loop_.sleep(Millis(1));
        continue;
      }
      if (!io.done() || io.bytes == 0) co_return;
      into.append(block.data(), io.bytes);
    }
  }
  Task<> read_slowly(const Fd& fd, std::string& into) {
    std::array<char, 65536> block{};
    for (;;) {
      const sys::Io io = sys::read(fd.get(), block);
      if (!io.again() && (!io.done() || io.bytes == 0)) co_return;
      into.append(block.data(), io.bytes);
      co_await loop_.sleep(Millis(1));
    }
  }
  // What the tunnel had written when it ended and nobody had read yet.
  static std::string rest_of(const Fd& fd) {
    std::string rest;
    std::array<char, 65536> block{};
    for (sys::Io io = sys::read(fd.get(), block); io.done() && io.bytes > 0; io = sys::read(fd.get(), block))
      rest.append(block.data(), io.bytes);
    return rest;
  }
  Task<> write_all(const Fd& fd, std::string_view bytes) {
    while (!bytes.empty()) {
      const sys::Io io = sys::write(fd.get(), bytes);
      if (io.failed() && !io.again()) co_return;
      bytes.remove_prefix(io.bytes);
      if (io.again()) co_await loop_.sleep(Millis(1));
    }
  }

  Loop loop_;
  Pair client_;
  Pair origin_;
  SocketStream client_stream_{loop_, std::move(client_.inner)};
  SocketStream origin_stream_{loop_, std::move(origin_.inner)};
  Buffer client_early_;
  Buffer origin_early_;
  ipc::ConnectionSlot row_;  // counts nowhere
  TunnelCounts counts_{row_};
  TunnelProgress progress_{loop_.now()};
  Halt halt_;
  int halts_ = 0;
  int halts_with_bytes_ = 0;
  TunnelOutcome outcome_;
  Nanos took_{0};
};

TEST_F(RelayTest, CarriesBytesBothWaysAndCountsThem) {
  std::string at_origin;
  std::ranges::copy(std::string_view("early "), client_early_.space(6).begin());
  client_early_.commit(6);
  run({}, [&]() -> Task<> {
    co_await write_all(client_.outer, "question");
    end(client_.outer);
    co_await read_all(origin_.outer, at_origin);
    co_await write_all(origin_.outer, "answer");
    end(origin_.outer);
  });
  EXPECT_EQ(outcome_.ending, TunnelEnding::kFinished);
  EXPECT_EQ(at_origin, "early question");
  EXPECT_EQ(rest_of(client_.outer), "answer") << "the other direction goes on after a half-close";
  EXPECT_EQ(counts_.to_origin.total(), 14U);
  EXPECT_EQ(counts_.to_client.total(), 6U);
}

TEST_F(RelayTest, SplicesBulkWithoutLosingOrAddingAByte) {
  std::string sent(std::size_t{8} << 20U, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>((i * 31) ^ (i >> 12U));
  std::string received;
  end(origin_.outer);
  run({}, [&]() -> Task<> {
    Scope writing;
    writing.spawn([&]() -> Task<> {
      co_await write_all(client_.outer, sent);
      end(client_.outer);
    });
    co_await read_all(origin_.outer, received);
  });
  EXPECT_EQ(outcome_.ending, TunnelEnding::kFinished);
  EXPECT_TRUE(counts_.spliced);
  received += rest_of(origin_.outer);
  EXPECT_TRUE(received == sent) << received.size();
  EXPECT_EQ(counts_.to_origin.total(), sent.size());
}

TEST_F(RelayTest, AReaderThatStopsHoldsTheSenderBack) {
  std::uint64_t written = 0;
  run({.total = Millis(200)}, [&]() -> Task<> {
    const std::string block(65536, 'x');
    for (;;) {
      const sys::Io io = sys::write(client_.outer.get(), block);
      if (io.done()) written += io.bytes;
      if (!io.done()) co_await loop_.sleep(Millis(5));
    }
  });
  EXPECT_EQ(outcome_.ending, TunnelEnding::kTotal);
  EXPECT_LT(written, std::uint64_t{4} << 20U) << "no more than sockets, a block and a pipe hold";
}

TEST_F(RelayTest, ASilentTunnelEndsAfterItsIdleTime) {
  run({.idle = Millis(60)}, [&]() -> Task<> {
    co_await loop_.sleep(Millis(40));
    co_await write_all(client_.outer, "x");
  });
  EXPECT_EQ(outcome_.ending, TunnelEnding::kIdle);
  EXPECT_GE(took_, Millis(95)) << "a byte starts the time again";
  EXPECT_EQ(counts_.to_origin.total(), 1U);
}

TEST_F(RelayTest, AHalfClosedTunnelHasATimeOfItsOwn) {
  run({.idle = Millis(60'000), .half_close = Millis(50)}, [&]() -> Task<> {
    end(client_.outer);
    co_return;
  });
  EXPECT_EQ(outcome_.ending, TunnelEnding::kHalfClosed);
}

TEST_F(RelayTest, ABusyTunnelEndsAtItsTotalTime) {
  run({.idle = Millis(60'000), .total = Millis(80)}, [&]() -> Task<> {
    std::string nothing;
    Scope reading;
    reading.spawn([&] { return read_all(origin_.outer, nothing); });
    for (;;) {
      co_await write_all(client_.outer, "tick");
      co_await loop_.sleep(Millis(5));
    }
  });
  EXPECT_EQ(outcome_.ending, TunnelEnding::kTotal);
}

TEST_F(RelayTest, AnOriginThatGoesAwayIsBlamed) {
  run({}, [&]() -> Task<> {
    co_await write_all(client_.outer, "for nobody");
    origin_.outer.reset();
    for (;;) {
      co_await loop_.sleep(Millis(2));
      if (!sys::write(client_.outer.get(), std::string_view("more")).done()) co_return;
    }
  });
  EXPECT_EQ(outcome_.ending, TunnelEnding::kOriginFailed);
  ASSERT_TRUE(outcome_.error);
  EXPECT_EQ(outcome_.error->side(), Side::kOrigin);
}

TEST_F(RelayTest, HaltsAtAnyMomentOfABusyTransferWithoutLosingOrAddingAByte) {
  std::string sent(std::size_t{16} << 20U, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>((i * 31) ^ (i >> 12U));
  std::string at_origin;
  std::string at_client;
  Scope halting;
  halting.spawn([&]() -> Task<> {
    for (;;) {
      co_await loop_.yield();
      co_await loop_.yield();
      halt_.wanted = true;
      if (halt_.wake != nullptr) halt_.wake->set();
    }
  });
  run({}, [&]() -> Task<> {
    Scope both;
    both.spawn([&]() -> Task<> {
      co_await write_all(client_.outer, sent);
      end(client_.outer);
    });
    both.spawn([&]() -> Task<> {
      co_await write_all(origin_.outer, sent);
      end(origin_.outer);
    });
    both.spawn([&] { return read_all(client_.outer, at_client); });
    co_await read_slowly(origin_.outer, at_origin);
    const Wake wake = co_await both.join(loop_, Deadline::never());
    static_cast<void>(wake);
  });
  halting.cancel();
  at_client += rest_of(client_.outer);
  at_origin += rest_of(origin_.outer);
  EXPECT_EQ(outcome_.ending, TunnelEnding::kFinished);
  EXPECT_TRUE(at_origin == sent);
  EXPECT_TRUE(at_client == sent);
  EXPECT_EQ(counts_.to_origin.total(), sent.size());
  EXPECT_EQ(counts_.to_client.total(), sent.size());
  EXPECT_GT(halts_, 100);
  EXPECT_GT(halts_with_bytes_, 0) << "never with bytes in a pipe or a block: it tests nothing";
}

}  // namespace
}  // namespace sluice::worker
