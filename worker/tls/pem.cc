// See pem.h.
#include "worker/tls/pem.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string>

#include "base/check.h"

namespace sluice::worker {
namespace {

bssl::UniquePtr<BIO> over(std::string_view text) {
  bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  SLUICE_CHECK(bio != nullptr, "out of memory");
  return bio;
}

// Nobody is there to be asked for a password.
int no_password(char*, int, int, void*) {
  return 0;
}

}  // namespace

Result<std::vector<bssl::UniquePtr<X509>>> certificates_of(std::string_view pem) {
  const bssl::UniquePtr<BIO> bio = over(pem);
  std::vector<bssl::UniquePtr<X509>> certificates;
  ERR_clear_error();
  while (X509* const one = PEM_read_bio_X509(bio.get(), nullptr, no_password, nullptr)) certificates.emplace_back(one);
  const std::uint32_t why = ERR_peek_last_error();
  ERR_clear_error();
  if (ERR_GET_LIB(why) != ERR_LIB_PEM || ERR_GET_REASON(why) != PEM_R_NO_START_LINE)
    return fail(Code::kBadConfig, "certificate " + std::to_string(certificates.size() + 1) + " cannot be read");
  if (certificates.empty()) return fail(Code::kBadConfig, "there is no certificate in it");
  return certificates;
}

Result<bssl::UniquePtr<EVP_PKEY>> key_of(std::string_view pem) {
  const bssl::UniquePtr<BIO> bio = over(pem);
  ERR_clear_error();
  bssl::UniquePtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  ERR_clear_error();
  if (key == nullptr) return fail(Code::kBadConfig, "there is no private key in it that can be read");
  return key;
}

}  // namespace sluice::worker
