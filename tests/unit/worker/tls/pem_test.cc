#include "worker/tls/pem.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "certificates.h"

namespace sluice::worker {
namespace {

TEST(Pem, ReadsEveryCertificateOfAText) {
  const std::string one = make_identity({}).certificate_pem();
  const auto found = certificates_of("# ours\n" + one + "# theirs\n" + one);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->size(), 2U);
}

TEST(Pem, SaysThatThereIsNoCertificate) {
  const auto found = certificates_of("hello");
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().message(), "there is no certificate in it");
}

TEST(Pem, SaysWhichCertificateIsBroken) {
  std::string broken = make_identity({}).certificate_pem();
  broken.replace(60, 8, "AAAAAAAA");
  const auto found = certificates_of(make_identity({}).certificate_pem() + broken);
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().message(), "certificate 2 cannot be read");
}

TEST(Pem, ReadsAKey) {
  EXPECT_TRUE(key_of(make_identity({}).key_pem()).has_value());
  EXPECT_FALSE(key_of(make_identity({}).certificate_pem()).has_value());
}

}  // namespace
}  // namespace sluice::worker
