// Which certificate a client is shown.
#include "worker/tls/server_certificates.h"

#include <gtest/gtest.h>
#include <openssl/x509.h>

#include "certificates.h"

namespace sluice::worker {
namespace {

constexpr ClientAbilities kAll{.p256 = true, .p384 = true, .p521 = true, .rsa = true};
constexpr ClientAbilities kRsaOnly{.rsa = true};

class ServerCertificatesTest : public testing::Test {
 protected:
  const ServerCertificate* add(std::vector<std::string> sans, bool rsa = false) {
    const Identity identity = make_identity({.sans = std::move(sans), .rsa = rsa});
    Result<std::unique_ptr<const ServerCertificate>> read = ServerCertificate::read(identity.certificate_pem());
    if (!read) {
      ADD_FAILURE() << read.error().message();
      return nullptr;
    }
    const ServerCertificate* const added = read->get();
    all_.add(*std::move(read));
    return added;
  }

  ServerCertificates all_;
};

TEST_F(ServerCertificatesTest, PreferTheExactNameToTheWildcard) {
  const ServerCertificate* const first = add({"DNS:first.test"});
  const ServerCertificate* const wild = add({"DNS:*.Wild.test"});
  const ServerCertificate* const exact = add({"DNS:a.wild.test", "DNS:b.wild.test"});
  EXPECT_EQ(all_.choose("a.wild.test", kAll), exact);
  EXPECT_EQ(all_.choose("B.WILD.test.", kAll), exact);
  EXPECT_EQ(all_.choose("c.wild.test", kAll), wild);
  EXPECT_EQ(all_.choose("wild.test", kAll), first) << "a wildcard is a whole label";
  EXPECT_EQ(all_.choose("a.c.wild.test", kAll), first) << "and only one";
  EXPECT_EQ(all_.choose("", kAll), first);
}

TEST_F(ServerCertificatesTest, PreferEcdsaWhereItCanBeVerified) {
  const ServerCertificate* const rsa = add({"DNS:both.test"}, /*rsa=*/true);
  const ServerCertificate* const ecdsa = add({"DNS:both.test"});
  EXPECT_EQ(all_.choose("both.test", kAll), ecdsa);
  EXPECT_EQ(all_.choose("both.test", kRsaOnly), rsa);
  EXPECT_EQ(all_.choose("other.test", kRsaOnly), rsa);
  EXPECT_EQ(all_.choose("both.test", {.p384 = true}), nullptr);
}

TEST_F(ServerCertificatesTest, CoverTheirNamesAndAddresses) {
  const ServerCertificate* const one = add({"DNS:a.test", "DNS:*.b.test", "IP:192.0.2.1", "IP:2001:db8::1"});
  for (const char* host : {"a.test", "A.test", "a.test.", "x.b.test", "192.0.2.1", "[2001:db8::1]"})
    EXPECT_TRUE(one->covers(host)) << host;
  for (const char* host : {"b.test", "x.y.b.test", "test", "192.0.2.2", "[2001:db8::2]", ""})
    EXPECT_FALSE(one->covers(host)) << host;
}

TEST_F(ServerCertificatesTest, RefuseWhatIsNoCertificate) {
  EXPECT_FALSE(ServerCertificate::read("").has_value());
  EXPECT_FALSE(ServerCertificate::read("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").has_value());
}

}  // namespace
}  // namespace sluice::worker
