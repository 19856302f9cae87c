#include "worker/tls/stream.h"

#include "fixture.h"

namespace sluice::worker {
namespace {

using TlsStreamTest = TlsFixture;

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& c : text) {
    state = state * 1664525 + 1013904223;
    c = static_cast<char>(state >> 24U);
  }
  return text;
}

TEST_F(TlsStreamTest, CarriesManyBytesBothWaysAtOnce) {
  connect();
  const std::string up = pattern(700'001);
  const std::string down = pattern(900'003);
  std::string got_up;
  std::string got_down;
  std::optional<Error> error;
  run([&]() -> Task<> {
    Scope scope;
    const auto send = [&](TlsStream& stream, std::string_view bytes) -> Task<> {
      co_await write_all(stream, bytes);
      stream.shutdown_write();
    };
    scope.spawn([&] { return send(*client_, up); });
    scope.spawn([&] { return send(*server_, down); });
    scope.spawn([&] { return read_all(*server_, got_up, error); });
    scope.spawn([&] { return read_all(*client_, got_down, error); });
    const Wake wake = co_await scope.join(loop_, loop_.in(Millis(60'000)));
    EXPECT_EQ(wake, Wake::kReady);
  });
  EXPECT_FALSE(error) << error->message();
  EXPECT_TRUE(got_up == up);
  EXPECT_TRUE(got_down == down);
}

TEST_F(TlsStreamTest, TakesPiecesOfAllSizes) {
  connect();
  const std::string bytes = pattern(120'000);
  std::string got;
  std::optional<Error> error;
  run([&]() -> Task<> {
    Scope scope;
    scope.spawn([&] { return read_all(*server_, got, error); });
    std::size_t at = 0;
    for (std::size_t size = 1; at < bytes.size(); size = size * 3 % 40'009) {
      Gather gather;
      for (int i = 0; i < 4 && at < bytes.size(); ++i) {
        const std::string_view piece = std::string_view(bytes).substr(at, i % 2 == 0 ? size : 7);
        gather.add(piece);
        at += piece.size();
      }
      Patience patience(Pace{.progress = Millis(20'000)});
      const Result<> done = co_await write_rest(loop_, *client_, gather, patience, Side::kOrigin);
      EXPECT_TRUE(done.has_value());
    }
    client_->shutdown_write();
    const Wake wake = co_await scope.join(loop_, loop_.in(Millis(60'000)));
    EXPECT_EQ(wake, Wake::kReady);
  });
  EXPECT_FALSE(error) << error->message();
  EXPECT_TRUE(got == bytes);
}

TEST_F(TlsStreamTest, HoldsNoBlockWhileItIdles) {
  const std::size_t before = Buffer::blocks_in_use();
  connect();
  run([&]() -> Task<> {
    co_await write_all(*client_, "hello");
    Buffer block;
    const Result<std::size_t> got = co_await read_some(loop_, *server_, block, Deadline::never(), Side::kOrigin);
    EXPECT_EQ(got.value_or(0), 5U);
    EXPECT_FALSE(server_->readable().is_set());
  });
  EXPECT_EQ(Buffer::blocks_in_use(), before);
}

TEST_F(TlsStreamTest, SaysWhatWaitsInsideWhenTheReadersSpaceIsFull) {
  connect();
  std::string got;
  run([&]() -> Task<> {
    co_await write_all(*client_, "0123456789");
    while (got.size() < 10) {
      const Wake wake = co_await server_->readable().wait(loop_, loop_.in(Millis(20'000)));
      EXPECT_EQ(wake, Wake::kReady);
      if (wake != Wake::kReady) co_return;
      std::array<char, 3> space{};
      const sys::Io io = server_->read(space);
      if (io.done()) got.append(space.data(), io.bytes);
    }
  });
  EXPECT_EQ(got, "0123456789");
}

TEST_F(TlsStreamTest, TakesAnEndWithoutCloseNotifyForACut) {
  connect();
  std::string got;
  std::optional<Error> error;
  run([&]() -> Task<> {
    co_await write_all(*client_, "half of it");
    client_socket_->shutdown_write();
    co_await read_all(*server_, got, error);
  });
  EXPECT_EQ(got, "half of it");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Code::kClosed);
  EXPECT_EQ(error->message(), "the TLS stream ended without close_notify");
}

TEST_F(TlsStreamTest, RefusesBytesThatWereTamperedWith) {
  connect();
  std::string got;
  std::optional<Error> error;
  run([&]() -> Task<> {
    // a record of application data that nobody encrypted
    std::string record("\x17\x03\x03\x00\x20", 5);
    record.append(32, 'x');
    Gather gather(record);
    EXPECT_TRUE(write_now(*client_socket_, gather, Side::kOrigin).value_or(false));
    co_await read_all(*server_, got, error);
  });
  EXPECT_EQ(got, "");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Code::kTlsProtocol);
  // and the other end hears of it
  error.reset();
  run([&]() -> Task<> { co_await read_all(*client_, got, error); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Code::kTlsAlert);
  EXPECT_EQ(error->message(), "the peer's TLS alert: bad record mac");
}

TEST_F(TlsStreamTest, RefusesWhatIsNoTls) {
  const std::shared_ptr<const TlsClient> client = client_of(trusting());
  client_ = client->open(loop_, *client_socket_, "a.test", nullptr);
  std::optional<Error> error;
  run([&]() -> Task<> {
    Gather gather("HTTP/1.1 400 Bad Request\r\n\r\n");
    EXPECT_TRUE(write_now(*server_socket_, gather, Side::kOrigin).value_or(false));
    Result<> done = co_await client_->handshake(loop_.in(Millis(20'000)));
    if (!done) error.emplace(std::move(done.error()));
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Code::kTlsProtocol);
  EXPECT_EQ(error->message(), "TLS: wrong version number");
}

TEST_F(TlsStreamTest, GivesUpAHandshakeAtItsDeadline) {
  const std::shared_ptr<const TlsClient> client = client_of(trusting());
  client_ = client->open(loop_, *client_socket_, "a.test", nullptr);
  std::optional<Error> error;
  run([&]() -> Task<> {
    Result<> done = co_await client_->handshake(loop_.in(Millis(20)));
    if (!done) error.emplace(std::move(done.error()));
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Code::kTimeout);
}

TEST_F(TlsStreamTest, SaysThatThePeerLeftDuringTheHandshake) {
  const std::shared_ptr<const TlsClient> client = client_of(trusting());
  client_ = client->open(loop_, *client_socket_, "a.test", nullptr);
  std::optional<Error> error;
  run([&]() -> Task<> {
    server_socket_->shutdown_write();
    Result<> done = co_await client_->handshake(loop_.in(Millis(20'000)));
    if (!done) error.emplace(std::move(done.error()));
  });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code(), Code::kClosed);
}

}  // namespace
}  // namespace sluice::worker
