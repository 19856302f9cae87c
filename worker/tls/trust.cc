// See trust.h.
#include "worker/tls/trust.h"

#include <openssl/x509.h>

#include <array>
#include <fstream>
#include <iterator>
#include <string>

#include "base/check.h"
#include "worker/tls/pem.h"

namespace sluice::worker {
namespace {
// Debian and Alpine; Fedora and its kin; openSUSE.
constexpr std::array kSystemFiles = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                     "/etc/ssl/ca-bundle.pem"};
}  // namespace

TlsTrust::TlsTrust(bssl::UniquePtr<X509_STORE> store) : store_(std::move(store)) {}
TlsTrust::~TlsTrust() = default;

Result<std::shared_ptr<const TlsTrust>> TlsTrust::of_pem(std::string_view pem) {
  const Result<std::vector<bssl::UniquePtr<X509>>> certificates = certificates_of(pem);
  if (!certificates) return fail(certificates.error());
  bssl::UniquePtr<X509_STORE> store(X509_STORE_new());
  SLUICE_CHECK(store != nullptr, "out of memory");
  for (const bssl::UniquePtr<X509>& certificate : *certificates)
    SLUICE_CHECK(X509_STORE_add_cert(store.get(), certificate.get()) == 1, "out of memory");
  return std::make_shared<const TlsTrust>(std::move(store));
}

Result<std::shared_ptr<const TlsTrust>> TlsTrust::of_system() {
  for (const char* const file : kSystemFiles) {
    std::ifstream in(file, std::ios::binary);
    if (!in) continue;
    const std::string pem((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    Result<std::shared_ptr<const TlsTrust>> trust = of_pem(pem);
    if (!trust) return fail(std::move(trust.error()).during(file));
    return trust;
  }
  return fail(Code::kBadConfig,
              "the system has no certificates of authorities (Debian: apt-get install ca-certificates)");
}

}  // namespace sluice::worker
