// A server whose signatures a keyholder makes: handshakes that wait, go on, fail, and the keyholder's answers.
#include "worker/tls/server.h"

#include <openssl/evp.h>
#include <sys/mman.h>

#include "app/keyholder/key_store.h"
#include "fixture.h"
#include "worker/tls/key_id.h"

namespace sluice::worker {
namespace {

Fd file_of(const std::string& text) {
  Fd file(::memfd_create("key", MFD_CLOEXEC));
  if (::pwrite(file.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) std::abort();
  return file;
}

class TlsServerTest : public TlsFixture {
 protected:
  TlsServerTest() { EXPECT_TRUE(keys_.add("mine", file_of(shown_.key_pem())).has_value()); }

  [[nodiscard]] std::shared_ptr<const TlsServer> server() {
    ipc::EndpointSettings settings;
    settings.tls.enabled = true;
    settings.tls.certificates = {{.certificate_file = {}, .certificate = shown_.certificate_pem(), .key_file = {}}};
    Result<std::shared_ptr<const TlsServer>> made = TlsServer::make(settings, {});
    if (!made) ADD_FAILURE() << made.error().message();
    return made ? *std::move(made) : nullptr;
  }
  /// Both ends at work, until both have come to an end.
  Shaken shake_hands(const TlsServer& server, Nanos limit, std::shared_ptr<TlsSessions> sessions = nullptr) {
    const std::shared_ptr<const TlsClient> client = client_of(trusting());
    client_ = client->open(loop_, *client_socket_, "a.test", std::move(sessions));
    server_ = server.open(loop_, *server_socket_, {.signer = signer_, .tickets = tickets_});
    Shaken shaken;
    int left = 2;
    const auto side = [&](TlsStream& stream, std::optional<Error>& error) -> Task<> {
      co_await loop_.yield();  // run() forgets an earlier stop()
      Result<> done = co_await stream.handshake(loop_.in(std::chrono::duration_cast<Millis>(limit)));
      if (!done) {
        error.emplace(std::move(done.error()));
        stream.shutdown_write();
      }
      if (--left == 0) loop_.stop();
    };
    Scope scope;
    scope.spawn([&] { return side(*client_, shaken.client); });
    scope.spawn([&] { return side(*server_, shaken.server); });
    loop_.run();
    return shaken;
  }
  /// Answers as the keyholder does, with one tenant's keys.
  Task<> hold_keys(std::string tenant, Fd end) {
    ipc::Channel channel(std::move(end), 0);
    channel.attach(loop_);
    for (;;) {
      const Result<ipc::Packet> packet = co_await channel.receive(Deadline::never());
      if (!packet) co_return;
      const Result<std::vector<ipc::SignRequest>> requests = ipc::decode_requests(packet->bytes);
      if (!requests) co_return;
      std::vector<ipc::SignAnswer> answers;
      for (const ipc::SignRequest& request : *requests) answers.push_back(keys_.sign(tenant, request));
      const Result<std::string> bytes = ipc::encode(answers);
      if (!bytes || !channel.post(*bytes, {})) co_return;
    }
  }
  /// Another connection between the two.
  void again() {
    client_.reset();
    server_.reset();
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) std::abort();
    client_socket_.emplace(loop_, Fd(ends[0]));
    server_socket_.emplace(loop_, Fd(ends[1]));
  }
  /// The client reads what the server has sent it after the handshake.
  void hear() {
    run([&]() -> Task<> {
      co_await write_all(*server_, "x");
      std::string heard;
      Buffer block;
      const Result<std::size_t> got =
          co_await read_some(loop_, *client_, block, loop_.in(Millis(20'000)), Side::kOrigin);
      EXPECT_TRUE(got.has_value());
    });
  }
  Task<> come_later() {
    co_await loop_.until(loop_.in(Millis(50)));
    connect_keyholder("mine");
  }
  void connect_keyholder(const std::string& tenant) {
    Result<ipc::ChannelPair> pair = ipc::channel_pair();
    ASSERT_TRUE(pair.has_value());
    signer_.connect(std::move(pair->worker));
    keyholder_.cancel();
    keyholder_.spawn([this](std::string its, Fd end) { return hold_keys(std::move(its), std::move(end)); }, tenant,
                     std::move(pair->supervisor));
  }

  Identity shown_ = for_host({"DNS:a.test"});
  keyholder::KeyStore keys_;
  Signer signer_{loop_};
  Tickets tickets_;
  Scope keyholder_;
};

TEST_F(TlsServerTest, ShakesHandsWithAKeyThatIsElsewhere) {
  connect_keyholder("mine");
  const auto server = this->server();
  const Shaken shaken = shake_hands(*server, Millis(20'000));
  EXPECT_FALSE(shaken.client) << shaken.client->message();
  EXPECT_FALSE(shaken.server) << shaken.server->message();
  EXPECT_EQ(server_->server_name(), "a.test");
  EXPECT_TRUE(may_ask_for(*server_, "A.test"));
  EXPECT_FALSE(may_ask_for(*server_, "b.test"));
  EXPECT_EQ(server_->signature(), nullptr) << "a connection that is up holds none";
  EXPECT_EQ(signer_.waiting(), 0U);
  server_.reset();
}

TEST_F(TlsServerTest, WaitsUntilThereIsAKeyholder) {
  const auto server = this->server();
  Scope later;
  later.spawn([this]() { return come_later(); });
  const Shaken shaken = shake_hands(*server, Millis(20'000));
  EXPECT_FALSE(shaken.client) << shaken.client->message();
  EXPECT_FALSE(shaken.server) << shaken.server->message();
  server_.reset();
}

TEST_F(TlsServerTest, FailsInTimeWithoutAKeyholder) {
  const auto server = this->server();
  const Shaken shaken = shake_hands(*server, Millis(200));
  ASSERT_TRUE(shaken.server);
  EXPECT_EQ(shaken.server->code(), Code::kTimeout);
  server_.reset();
  EXPECT_EQ(signer_.waiting(), 0U) << "who has gone waits for nothing";
}

TEST_F(TlsServerTest, FailsWithTheKeyOfAnotherTenant) {
  connect_keyholder("other");
  const auto server = this->server();
  const Shaken shaken = shake_hands(*server, Millis(20'000));
  ASSERT_TRUE(shaken.server);
  EXPECT_EQ(shaken.server->code(), Code::kUnavailable) << shaken.server->message();
  ASSERT_TRUE(shaken.client);
  server_.reset();
}

TEST_F(TlsServerTest, GivesNoTicketWithoutKeys) {
  connect_keyholder("mine");
  const auto server = this->server();
  const Shaken shaken = shake_hands(*server, Millis(20'000));
  EXPECT_FALSE(shaken.server) << shaken.server->message();
  server_.reset();
}

TEST_F(TlsServerTest, TakesUpTheSessionOfAClientWithoutTheKeyholder) {
  tickets_.set({.items = {{.name = std::string(16, 'n'), .secret = std::string(32, 's')}}});
  const auto sessions = std::make_shared<TlsSessions>();
  connect_keyholder("mine");
  const auto server = this->server();
  for (const bool resumed : {false, true}) {
    again();
    const Shaken shaken = shake_hands(*server, Millis(20'000), sessions);
    ASSERT_FALSE(shaken.client) << shaken.client->message();
    ASSERT_FALSE(shaken.server) << shaken.server->message();
    EXPECT_EQ(server_->resumed(), resumed);
    hear();  // which brings tickets
    keyholder_.cancel();
  }
  tickets_.set({.items = {{.name = std::string(16, 'o'), .secret = std::string(32, 's')}}});
  connect_keyholder("mine");
  again();
  const Shaken shaken = shake_hands(*server, Millis(20'000), sessions);
  EXPECT_FALSE(shaken.server) << shaken.server->message();
  EXPECT_FALSE(server_->resumed()) << "by a key that is no more";
  server_.reset();
}

TEST_F(TlsServerTest, ChoosesTheBestProtocolOfThoseThatAreOffered) {
  const auto server = this->server();
  EXPECT_EQ(server->choose_protocol("\x08http/1.1\x02h2"), "h2");
  EXPECT_EQ(server->choose_protocol("\x08http/1.1"), "http/1.1");
  EXPECT_EQ(server->choose_protocol("\x06spdy/1"), "");
  EXPECT_EQ(server->choose_protocol("\x09h2"), "") << "cut short";
  EXPECT_EQ(server->choose_protocol(""), "");
}

TEST(KeyStore, SignsOnlyWhatTheKeyIsFor) {
  keyholder::KeyStore keys;
  const Identity ec = make_identity({.sans = {"DNS:a.test"}});
  const Identity rsa = make_identity({.sans = {"DNS:a.test"}, .rsa = true});
  for (const Identity* one : {&ec, &rsa}) ASSERT_TRUE(keys.add("mine", file_of(one->key_pem())).has_value());
  const auto ask = [&](const char* tenant, const Identity& whose, std::uint16_t algorithm) {
    return keys.sign(tenant, {.number = 7, .key = key_id(*whose.key), .algorithm = algorithm, .input = "input"});
  };
  const ipc::SignAnswer done = ask("mine", ec, SSL_SIGN_ECDSA_SECP256R1_SHA256);
  EXPECT_EQ(done.number, 7U);
  ASSERT_EQ(done.came_to, ipc::Signing::kDone);
  bssl::ScopedEVP_MD_CTX digest;
  ASSERT_EQ(EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, ec.key.get()), 1);
  EXPECT_EQ(EVP_DigestVerify(digest.get(), reinterpret_cast<const std::uint8_t*>(done.signature.data()),
                             done.signature.size(), reinterpret_cast<const std::uint8_t*>("input"), 5),
            1);
  EXPECT_EQ(ask("mine", rsa, SSL_SIGN_RSA_PSS_RSAE_SHA256).came_to, ipc::Signing::kDone);
  EXPECT_EQ(ask("mine", rsa, SSL_SIGN_ECDSA_SECP256R1_SHA256).came_to, ipc::Signing::kRefused);
  EXPECT_EQ(ask("mine", ec, 0).came_to, ipc::Signing::kRefused);
  EXPECT_EQ(ask("other", ec, SSL_SIGN_ECDSA_SECP256R1_SHA256).came_to, ipc::Signing::kUnknownKey);
}

TEST(KeyStore, RefusesFilesThatAreNoKeys) {
  keyholder::KeyStore keys;
  EXPECT_FALSE(keys.add("mine", file_of("")).has_value());
  EXPECT_FALSE(keys.add("mine", file_of("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")).has_value());
  EXPECT_FALSE(keys.add("mine", file_of(std::string(std::size_t{65} << 10U, 'x'))).has_value());
  EXPECT_EQ(keys.size(), 0U);
}

}  // namespace
}  // namespace sluice::worker
