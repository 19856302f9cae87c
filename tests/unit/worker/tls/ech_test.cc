// Encrypted Client Hello towards origins (RFC 9849): the name is hidden, and a server that will not have it is left
// alone.
#include <openssl/hpke.h>
#include <openssl/mem.h>

#include <span>

#include "fixture.h"

namespace sluice::worker {
namespace {

constexpr const char* kPublicName = "public.test";

/// A server's keys, and what it publishes of them.
struct Published {
  bssl::UniquePtr<SSL_ECH_KEYS> keys{SSL_ECH_KEYS_new()};
  std::string list;  ///< ECHConfigList in base64

  Published() {
    bssl::ScopedEVP_HPKE_KEY key;
    std::uint8_t* bytes = nullptr;
    std::size_t size = 0;
    if (EVP_HPKE_KEY_generate(key.get(), EVP_hpke_x25519_hkdf_sha256()) != 1 ||
        SSL_marshal_ech_config(&bytes, &size, 1, key.get(), kPublicName, 64) != 1)
      std::abort();
    const bssl::UniquePtr<std::uint8_t> config(bytes);
    if (SSL_ECH_KEYS_add(keys.get(), 1, bytes, size, key.get()) != 1) std::abort();
    if (SSL_ECH_KEYS_marshal_retry_configs(keys.get(), &bytes, &size) != 1) std::abort();
    const bssl::UniquePtr<std::uint8_t> all(bytes);
    list = base64({bytes, size});
  }
  static std::string base64(std::span<const std::uint8_t> bytes) {
    std::string text((bytes.size() + 2) / 3 * 4 + 1, ' ');
    text.resize(EVP_EncodeBlock(reinterpret_cast<std::uint8_t*>(text.data()), bytes.data(), bytes.size()));
    return text;
  }
};

class EchTest : public TlsFixture {
 protected:
  [[nodiscard]] ipc::UpstreamTlsSettings hiding(const std::string& list) const {
    ipc::UpstreamTlsSettings settings = trusting();
    settings.ech = list;
    return settings;
  }
};

TEST_F(EchTest, HidesTheName) {
  const Published published;
  const bssl::UniquePtr<SSL_CTX> context = server_context(for_host({"DNS:secret.test"}));
  ASSERT_EQ(SSL_CTX_set1_ech_keys(context.get(), published.keys.get()), 1);
  const Shaken shaken = shake(client_of(hiding(published.list)), *context, "secret.test");
  ASSERT_FALSE(shaken.client) << shaken.client->message();
  EXPECT_EQ(SSL_ech_accepted(&client_->ssl()), 1);
  EXPECT_STREQ(SSL_get_servername(&server_->ssl(), TLSEXT_NAMETYPE_host_name), "secret.test");
}

TEST_F(EchTest, DoesNotSpeakToAServerWithOtherKeys) {
  const Published published;
  const Published others;
  const bssl::UniquePtr<SSL_CTX> context = server_context(for_host({"DNS:secret.test", "DNS:public.test"}));
  ASSERT_EQ(SSL_CTX_set1_ech_keys(context.get(), others.keys.get()), 1);
  const Shaken shaken = shake(client_of(hiding(published.list)), *context, "secret.test");
  ASSERT_TRUE(shaken.client);
  EXPECT_EQ(shaken.client->code(), Code::kTlsProtocol);
  EXPECT_EQ(shaken.client->message(), "TLS: ech rejected");
  EXPECT_STREQ(SSL_get_servername(&server_->ssl(), TLSEXT_NAMETYPE_host_name), kPublicName);
}

TEST_F(EchTest, DoesNotSpeakToAServerThatDoesNotKnowIt) {
  const Published published;
  const bssl::UniquePtr<SSL_CTX> context = server_context(for_host({"DNS:secret.test", "DNS:public.test"}));
  const Shaken shaken = shake(client_of(hiding(published.list)), *context, "secret.test");
  ASSERT_TRUE(shaken.client);
  EXPECT_EQ(shaken.client->message(), "TLS: ech rejected");
}

TEST_F(EchTest, DoesNotBelieveARefusalBySomebodyElse) {
  const Published published;
  const bssl::UniquePtr<SSL_CTX> context = server_context(for_host({"DNS:secret.test"}));
  const Shaken shaken = shake(client_of(hiding(published.list)), *context, "secret.test");
  ASSERT_TRUE(shaken.client);
  EXPECT_EQ(shaken.client->code(), Code::kTlsCertificate) << shaken.client->message();
}

TEST_F(EchTest, RefusesWhatIsNoList) {
  const auto made = TlsClient::make(hiding("AAAA"), nullptr);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().message(), "tls.ech is no ECHConfigList");
}

}  // namespace
}  // namespace sluice::worker
