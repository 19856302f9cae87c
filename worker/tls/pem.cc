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

template <typename T>
Result<std::vector<bssl::UniquePtr<T>>> all_of(std::string_view pem, T* (*read)(BIO*, T**, pem_password_cb*, void*),
                                               const std::string& what) {
  const bssl::UniquePtr<BIO> bio = over(pem);
  std::vector<bssl::UniquePtr<T>> found;
  ERR_clear_error();
  while (T* const one = read(bio.get(), nullptr, no_password, nullptr)) found.emplace_back(one);
  const std::uint32_t why = ERR_peek_last_error();
  ERR_clear_error();
  if (ERR_GET_LIB(why) != ERR_LIB_PEM || ERR_GET_REASON(why) != PEM_R_NO_START_LINE)
    return fail(Code::kBadConfig, what + " " + std::to_string(found.size() + 1) + " cannot be read");
  if (found.empty()) return fail(Code::kBadConfig, "there is no " + what + " in it");
  return found;
}

}  // namespace

Result<std::vector<bssl::UniquePtr<X509>>> certificates_of(std::string_view pem) {
  return all_of(pem, PEM_read_bio_X509, "certificate");
}

Result<std::vector<bssl::UniquePtr<X509_CRL>>> revocation_lists_of(std::string_view pem) {
  return all_of(pem, PEM_read_bio_X509_CRL, "list of revoked certificates");
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
