// See certificates.h.
#include "certificates.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdlib>

namespace sluice::worker {
namespace {

constexpr long kDay = 24L * 60 * 60;

void must(bool good) {
  if (!good) std::abort();
}

bssl::UniquePtr<EVP_PKEY> new_key() {
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  must(EC_KEY_generate_key(ec.get()) == 1);
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  must(EVP_PKEY_set1_EC_KEY(key.get(), ec.get()) == 1);
  return key;
}

bssl::UniquePtr<EVP_PKEY> new_rsa_key() {
  constexpr int kBits = 2048;
  bssl::UniquePtr<RSA> rsa(RSA_new());
  const bssl::UniquePtr<BIGNUM> exponent(BN_new());
  must(BN_set_word(exponent.get(), RSA_F4) == 1 && RSA_generate_key_ex(rsa.get(), kBits, exponent.get(), nullptr) == 1);
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  must(EVP_PKEY_set1_RSA(key.get(), rsa.get()) == 1);
  return key;
}

void add_extension(X509& certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &certificate, &certificate, nullptr, nullptr, 0);
  const bssl::UniquePtr<X509_EXTENSION> extension(X509V3_EXT_nconf_nid(nullptr, &context, nid, value.c_str()));
  must(extension != nullptr && X509_add_ext(&certificate, extension.get(), -1) == 1);
}

std::string text_of(BIO& bio) {
  const std::uint8_t* bytes = nullptr;
  std::size_t size = 0;
  must(BIO_mem_contents(&bio, &bytes, &size) == 1);
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

std::string Identity::certificate_pem() const {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_X509(bio.get(), certificate.get()) == 1);
  return text_of(*bio);
}

std::string Identity::key_pem() const {
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(*bio);
}

std::string Identity::pin() const {
  std::uint8_t* der = nullptr;
  const int size = i2d_PUBKEY(key.get(), &der);
  must(size > 0);
  const bssl::UniquePtr<std::uint8_t> owned(der);
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(der, static_cast<std::size_t>(size), digest.data());
  std::array<std::uint8_t, 64> text{};
  const std::size_t length = EVP_EncodeBlock(text.data(), digest.data(), digest.size());
  return "sha256/" + std::string(reinterpret_cast<const char*>(text.data()), length);
}

Identity make_identity(const Wish& wish) {
  static long serial = 1;
  Identity made{.certificate = bssl::UniquePtr<X509>(X509_new()), .key = wish.rsa ? new_rsa_key() : new_key()};
  X509* const x = made.certificate.get();
  must(X509_set_version(x, 2) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x), (wish.days < 0 ? 2 * wish.days : -1) * kDay);
  X509_gmtime_adj(X509_getm_notAfter(x), wish.days * kDay);
  X509_NAME* const name = X509_get_subject_name(x);
  must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const std::uint8_t*>(wish.name.c_str()),
                                  -1, -1, 0) == 1);
  const X509* const issuer = wish.authority == nullptr ? x : wish.authority->certificate.get();
  X509_set_issuer_name(x, X509_get_subject_name(issuer));
  X509_set_pubkey(x, made.key.get());
  if (wish.is_authority) add_extension(*x, NID_basic_constraints, "critical,CA:TRUE");
  if (!wish.sans.empty()) {
    std::string sans;
    for (const std::string& san : wish.sans) sans += (sans.empty() ? "" : ",") + san;
    add_extension(*x, NID_subject_alt_name, sans);
  }
  EVP_PKEY* const signer = wish.authority == nullptr ? made.key.get() : wish.authority->key.get();
  must(X509_sign(x, signer, EVP_sha256()) > 0);
  return made;
}

std::string revocation_list(const Identity& authority, const std::vector<const Identity*>& revoked, int days) {
  const bssl::UniquePtr<X509_CRL> list(X509_CRL_new());
  const bssl::UniquePtr<ASN1_TIME> from(X509_gmtime_adj(nullptr, (days < 0 ? 2 * days : -1) * kDay));
  const bssl::UniquePtr<ASN1_TIME> until(X509_gmtime_adj(nullptr, days * kDay));
  must(X509_CRL_set_version(list.get(), 1) == 1);
  must(X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(authority.certificate.get())) == 1);
  must(X509_CRL_set1_lastUpdate(list.get(), from.get()) == 1);
  must(X509_CRL_set1_nextUpdate(list.get(), until.get()) == 1);
  for (const Identity* const one : revoked) {
    bssl::UniquePtr<X509_REVOKED> entry(X509_REVOKED_new());
    must(X509_REVOKED_set_serialNumber(entry.get(), X509_get_serialNumber(one->certificate.get())) == 1);
    must(X509_REVOKED_set_revocationDate(entry.get(), from.get()) == 1);
    must(X509_CRL_add0_revoked(list.get(), entry.release()) == 1);
  }
  must(X509_CRL_sign(list.get(), authority.key.get(), EVP_sha256()) > 0);
  const bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_X509_CRL(bio.get(), list.get()) == 1);
  return text_of(*bio);
}

bssl::UniquePtr<SSL_CTX> server_context(const Identity& identity) {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  must(SSL_CTX_use_certificate(context.get(), identity.certificate.get()) == 1);
  must(SSL_CTX_use_PrivateKey(context.get(), identity.key.get()) == 1);
  return context;
}

}  // namespace sluice::worker
