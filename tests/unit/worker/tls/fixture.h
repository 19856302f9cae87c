// TLS between two ends of a socket pair: a TlsClient's and a server's of the test.
#pragma once
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <array>
#include <optional>
#include <string>

#include "base/scope.h"
#include "certificates.h"
#include "worker/flow/io.h"
#include "worker/flow/socket_stream.h"
#include "worker/tls/client.h"

namespace sluice::worker {

/// What became of a handshake at both ends.
struct Shaken {
  std::optional<Error> client;
  std::optional<Error> server;
};

class TlsFixture : public testing::Test {
 protected:
  TlsFixture() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) std::abort();
    client_socket_.emplace(loop_, Fd(ends[0]));
    server_socket_.emplace(loop_, Fd(ends[1]));
  }
  ~TlsFixture() override {
    client_.reset();
    server_.reset();
  }

  [[nodiscard]] ipc::UpstreamTlsSettings trusting() const {
    ipc::UpstreamTlsSettings settings;
    settings.enabled = true;
    settings.ca = authority_.certificate_pem();
    return settings;
  }
  [[nodiscard]] Identity for_host(std::vector<std::string> sans, int days = 30) const {
    return make_identity({.name = "origin", .sans = std::move(sans), .authority = &authority_, .days = days});
  }
  [[nodiscard]] static std::shared_ptr<const TlsClient> client_of(const ipc::UpstreamTlsSettings& settings) {
    Result<std::shared_ptr<const TlsClient>> made = TlsClient::make(settings, nullptr);
    if (!made) ADD_FAILURE() << made.error().message();
    return made ? *std::move(made) : nullptr;
  }

  /// A handshake between the two.
  Shaken shake(const std::shared_ptr<const TlsClient>& client, SSL_CTX& context, std::string_view host,
               std::shared_ptr<TlsSessions> sessions = nullptr) {
    client_ = client->open(loop_, *client_socket_, host, std::move(sessions));
    bssl::UniquePtr<SSL> ssl(SSL_new(&context));
    SSL_set_accept_state(ssl.get());
    server_ = std::make_unique<TlsStream>(loop_, *server_socket_, std::move(ssl));
    Shaken shaken;
    int left = 2;
    const auto side = [&](TlsStream& stream, std::optional<Error>& error) -> Task<> {
      co_await loop_.yield();  // run() forgets an earlier stop()
      Result<> done = co_await stream.handshake(loop_.in(Millis(20'000)));
      if (!done) error.emplace(std::move(done.error()));
      if (--left == 0) loop_.stop();
    };
    Scope scope;
    scope.spawn([&] { return side(*client_, shaken.client); });
    scope.spawn([&] { return side(*server_, shaken.server); });
    loop_.run();
    return shaken;
  }
  /// Both ends are up.
  void connect() {
    const Identity identity = for_host({"DNS:a.test"});
    const bssl::UniquePtr<SSL_CTX> context = server_context(identity);
    const Shaken shaken = shake(client_of(trusting()), *context, "a.test");
    ASSERT_FALSE(shaken.client) << shaken.client->message();
    ASSERT_FALSE(shaken.server) << shaken.server->message();
  }
  /// Runs until the task has ended.
  void run(auto script) {
    Scope scope;
    scope.spawn([&]() -> Task<> {
      co_await loop_.yield();  // run() forgets an earlier stop()
      co_await script();
      loop_.stop();
    });
    loop_.run();
  }
  /// All bytes until the end; why there was none.
  Task<> read_all(TlsStream& stream, std::string& into, std::optional<Error>& error) {
    for (;;) {
      Buffer block;
      const Result<std::size_t> got = co_await read_some(loop_, stream, block, loop_.in(Millis(20'000)), Side::kOrigin);
      if (!got) {
        error.emplace(got.error());
        co_return;
      }
      if (*got == 0) co_return;
      into += block.view();
    }
  }
  Task<> write_all(TlsStream& stream, std::string_view bytes) {
    Gather gather(bytes);
    Patience patience(Pace{.progress = Millis(20'000)});
    const Result<> done = co_await write_rest(loop_, stream, gather, patience, Side::kOrigin);
    EXPECT_TRUE(done.has_value());
  }

  Loop loop_;
  Identity authority_ = make_identity({.name = "authority", .is_authority = true});
  std::optional<SocketStream> client_socket_;
  std::optional<SocketStream> server_socket_;
  std::unique_ptr<TlsStream> client_;
  std::unique_ptr<TlsStream> server_;
};

}  // namespace sluice::worker
