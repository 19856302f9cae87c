#include "worker/tls/client.h"

#include "fixture.h"

namespace sluice::worker {
namespace {

class TlsClientTest : public TlsFixture {
 protected:
  /// What the client thinks of a server with this certificate: empty when it believes it.
  std::string verdict(const ipc::UpstreamTlsSettings& settings, const Identity& identity, std::string_view host) {
    const bssl::UniquePtr<SSL_CTX> context = server_context(identity);
    const Shaken shaken = shake(client_of(settings), *context, host);
    if (!shaken.client) return {};
    EXPECT_EQ(shaken.client->code(), Code::kTlsCertificate);
    return shaken.client->message();
  }
};

TEST_F(TlsClientTest, BelievesACertificateForTheName) {
  EXPECT_EQ(verdict(trusting(), for_host({"DNS:a.test"}), "a.test"), "");
}
TEST_F(TlsClientTest, BelievesANameWithTheDotOfTheRoot) {
  EXPECT_EQ(verdict(trusting(), for_host({"DNS:a.test"}), "a.test."), "");
}
TEST_F(TlsClientTest, BelievesAWildcardForOneLabel) {
  EXPECT_EQ(verdict(trusting(), for_host({"DNS:*.a.test"}), "b.a.test"), "");
}
TEST_F(TlsClientTest, DoesNotBelieveAWildcardForTwoLabels) {
  EXPECT_EQ(verdict(trusting(), for_host({"DNS:*.a.test"}), "c.b.a.test"), "the certificate: Hostname mismatch");
}
TEST_F(TlsClientTest, DoesNotBelieveAnotherName) {
  EXPECT_EQ(verdict(trusting(), for_host({"DNS:b.test"}), "a.test"), "the certificate: Hostname mismatch");
}
TEST_F(TlsClientTest, DoesNotBelieveACommonName) {
  const Identity identity = make_identity({.name = "a.test", .authority = &authority_});
  EXPECT_EQ(verdict(trusting(), identity, "a.test"), "the certificate: Hostname mismatch");
}
TEST_F(TlsClientTest, BelievesACertificateForTheAddress) {
  EXPECT_EQ(verdict(trusting(), for_host({"IP:127.0.0.1"}), "127.0.0.1"), "");
}
TEST_F(TlsClientTest, DoesNotTakeANameForAnAddress) {
  EXPECT_EQ(verdict(trusting(), for_host({"DNS:127.0.0.1"}), "127.0.0.1"), "the certificate: IP address mismatch");
}
TEST_F(TlsClientTest, ExpectsTheNameThatTheSettingsSay) {
  ipc::UpstreamTlsSettings settings = trusting();
  settings.server_name = "a.test";
  EXPECT_EQ(verdict(settings, for_host({"DNS:a.test"}), "127.0.0.1"), "");
  EXPECT_STREQ(SSL_get_servername(&server_->ssl(), TLSEXT_NAMETYPE_host_name), "a.test");
}
TEST_F(TlsClientTest, DoesNotBelieveAnExpiredCertificate) {
  EXPECT_EQ(verdict(trusting(), for_host({"DNS:a.test"}, -1), "a.test"), "the certificate: certificate has expired");
}
TEST_F(TlsClientTest, DoesNotBelieveAnotherAuthority) {
  const Identity other = make_identity({.name = "other", .is_authority = true});
  const Identity identity = make_identity({.name = "x", .sans = {"DNS:a.test"}, .authority = &other});
  EXPECT_EQ(verdict(trusting(), identity, "a.test"), "the certificate: unable to get local issuer certificate");
}
TEST_F(TlsClientTest, DoesNotBelieveACertificateSignedByItself) {
  const Identity identity = make_identity({.name = "x", .sans = {"DNS:a.test"}});
  EXPECT_EQ(verdict(trusting(), identity, "a.test"), "the certificate: self signed certificate");
}
TEST_F(TlsClientTest, BelievesACertificateThatIsItselfTrusted) {
  const Identity identity = for_host({"DNS:a.test"});
  ipc::UpstreamTlsSettings settings;
  settings.enabled = true;
  settings.ca = identity.certificate_pem();
  EXPECT_EQ(verdict(settings, identity, "a.test"), "");
}
TEST_F(TlsClientTest, DoesNotMindACertificateThatIsTrustedTwice) {
  ipc::UpstreamTlsSettings settings = trusting();
  settings.ca += settings.ca;
  EXPECT_EQ(verdict(settings, for_host({"DNS:a.test"}), "a.test"), "");
}
TEST_F(TlsClientTest, WantsThePinnedKeyToo) {
  const Identity identity = for_host({"DNS:a.test"});
  ipc::UpstreamTlsSettings settings = trusting();
  settings.pins = {authority_.pin(), identity.pin()};
  EXPECT_EQ(verdict(settings, identity, "a.test"), "");
}
TEST_F(TlsClientTest, DoesNotBelieveAnotherKeyThanThePinned) {
  ipc::UpstreamTlsSettings settings = trusting();
  settings.pins = {authority_.pin()};
  EXPECT_EQ(verdict(settings, for_host({"DNS:a.test"}), "a.test"), "the certificate's key is none of tls.pins");
}
TEST_F(TlsClientTest, BelievesAPinWithoutAnAuthority) {
  const Identity identity = make_identity({.name = "x"});
  ipc::UpstreamTlsSettings settings;
  settings.enabled = true;
  settings.verify = ipc::VerifyOrigin::kPins;
  settings.pins = {identity.pin()};
  EXPECT_EQ(verdict(settings, identity, "a.test"), "");
}
TEST_F(TlsClientTest, DoesNotBelieveAPinWithoutItsKey) {
  ipc::UpstreamTlsSettings settings;
  settings.enabled = true;
  settings.verify = ipc::VerifyOrigin::kPins;
  settings.pins = {authority_.pin()};
  EXPECT_EQ(verdict(settings, make_identity({.name = "x"}), "a.test"), "the certificate's key is none of tls.pins");
}
TEST_F(TlsClientTest, BelievesEverybodyWhenToldSo) {
  ipc::UpstreamTlsSettings settings;
  settings.enabled = true;
  settings.verify = ipc::VerifyOrigin::kInsecure;
  EXPECT_EQ(verdict(settings, make_identity({.name = "x"}), "a.test"), "");
}

TEST_F(TlsClientTest, BelievesWhoIsNotRevoked) {
  const Identity other = for_host({"DNS:a.test"});
  ipc::UpstreamTlsSettings settings = trusting();
  settings.crl = revocation_list(authority_, {&other});
  EXPECT_EQ(verdict(settings, for_host({"DNS:a.test"}), "a.test"), "");
}
TEST_F(TlsClientTest, DoesNotBelieveWhoIsRevoked) {
  const Identity other = for_host({"DNS:b.test"});
  const Identity identity = for_host({"DNS:a.test"});
  ipc::UpstreamTlsSettings settings = trusting();
  settings.crl = revocation_list(authority_, {&other, &identity});
  EXPECT_EQ(verdict(settings, identity, "a.test"), "the certificate: certificate revoked");
}
TEST_F(TlsClientTest, DoesNotBelieveAnybodyByAListThatIsOver) {
  ipc::UpstreamTlsSettings settings = trusting();
  settings.crl = revocation_list(authority_, {}, -1);
  EXPECT_EQ(verdict(settings, for_host({"DNS:a.test"}), "a.test"), "the certificate: CRL has expired");
}
TEST_F(TlsClientTest, DoesNotBelieveWhoseAuthorityHasNoList) {
  const Identity other = make_identity({.name = "other", .is_authority = true});
  ipc::UpstreamTlsSettings settings = trusting();
  settings.crl = revocation_list(other, {});
  EXPECT_EQ(verdict(settings, for_host({"DNS:a.test"}), "a.test"), "the certificate: unable to get certificate CRL");
}
TEST_F(TlsClientTest, DoesNotTakeAListThatSomebodyElseHasSigned) {
  const Identity forger = make_identity({.name = "authority", .is_authority = true});
  ipc::UpstreamTlsSettings settings = trusting();
  settings.crl = revocation_list(forger, {});
  EXPECT_EQ(verdict(settings, for_host({"DNS:a.test"}), "a.test"), "the certificate: CRL signature failure");
}
TEST_F(TlsClientTest, RefusesAListThatCannotBeRead) {
  ipc::UpstreamTlsSettings settings = trusting();
  settings.crl = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
  const auto made = TlsClient::make(settings, nullptr);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message(), "tls.crl: list of revoked certificates 1 cannot be read");
}

TEST_F(TlsClientTest, SaysToTheServerWhatIsWrong) {
  const Identity identity = for_host({"DNS:a.test"}, -1);
  const bssl::UniquePtr<SSL_CTX> context = server_context(identity);
  const Shaken shaken = shake(client_of(trusting()), *context, "a.test");
  ASSERT_TRUE(shaken.server);
  EXPECT_EQ(shaken.server->code(), Code::kTlsAlert);
  EXPECT_EQ(shaken.server->message(), "the peer's TLS alert: certificate expired");
}

TEST_F(TlsClientTest, RefusesAnOlderVersionThanTheSettingsSay) {
  ipc::UpstreamTlsSettings settings = trusting();
  settings.minimum_version = ipc::TlsVersion::kTls13;
  const Identity identity = for_host({"DNS:a.test"});
  const bssl::UniquePtr<SSL_CTX> context = server_context(identity);
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  const Shaken shaken = shake(client_of(settings), *context, "a.test");
  ASSERT_TRUE(shaken.client);
  EXPECT_EQ(shaken.client->message(), "the peer's TLS alert: protocol version");
}

TEST_F(TlsClientTest, ShowsItsCertificate) {
  const Identity mine = make_identity({.name = "us", .authority = &authority_});
  ipc::UpstreamTlsSettings settings = trusting();
  settings.certificate = mine.certificate_pem();
  settings.key = mine.key_pem();
  const Identity identity = for_host({"DNS:a.test"});
  const bssl::UniquePtr<SSL_CTX> context = server_context(identity);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), authority_.certificate.get());
  // no name to check, and no callback of ours in this context
  const Shaken shaken = shake(client_of(settings), *context, "a.test");
  EXPECT_FALSE(shaken.client) << shaken.client->message();
  EXPECT_FALSE(shaken.server) << shaken.server->message();
}

TEST_F(TlsClientTest, RefusesACertificateWithAnotherKey) {
  ipc::UpstreamTlsSettings settings = trusting();
  settings.certificate = authority_.certificate_pem();
  settings.key = make_identity({}).key_pem();
  const auto made = TlsClient::make(settings, nullptr);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message(), "tls.key is not the key of the first certificate in tls.certificate");
}

class Resuming : public TlsFixture, public testing::WithParamInterface<std::uint16_t> {};
INSTANTIATE_TEST_SUITE_P(Tls, Resuming, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST_P(Resuming, TakesUpAnEarlierSession) {
  const Identity identity = for_host({"DNS:a.test"});
  const bssl::UniquePtr<SSL_CTX> context = server_context(identity);
  SSL_CTX_set_max_proto_version(context.get(), GetParam());
  const std::shared_ptr<const TlsClient> client = client_of(trusting());
  const auto sessions = std::make_shared<TlsSessions>();
  std::optional<Nanos> checked;
  for (const bool expected : {false, true, true}) {
    const Shaken shaken = shake(client, *context, "a.test", sessions);
    ASSERT_FALSE(shaken.client) << shaken.client->message();
    EXPECT_EQ(client_->resumed(), expected);
    // tickets of TLS 1.3 come with the first bytes
    std::string got;
    std::optional<Error> error;
    run([&]() -> Task<> {
      co_await write_all(*server_, "x");
      Buffer block;
      const Result<std::size_t> read =
          co_await read_some(loop_, *client_, block, loop_.in(Millis(20'000)), Side::kOrigin);
      EXPECT_EQ(read.value_or(0), 1U);
    });
    if (!checked) checked = loop_.now();
  }
  // a chain of resumptions is as old as its first link
  EXPECT_LE(sessions->take(loop_.now()).checked, *checked);
}

TEST(TlsSessions, AreForgottenWhenTheyAreOld) {
  const bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  TlsSessions sessions;
  for (int i = 0; i < 20; ++i)
    sessions.keep({.session = bssl::UniquePtr<SSL_SESSION>(SSL_SESSION_new(context.get())), .checked = Nanos(0)});
  EXPECT_NE(sessions.take(TlsSessions::kMostAge - Nanos(1)).session, nullptr);
  EXPECT_EQ(sessions.take(TlsSessions::kMostAge).session, nullptr);
  EXPECT_EQ(sessions.take(Nanos(0)).session, nullptr);
}

}  // namespace
}  // namespace sluice::worker
