// The first bytes of a TLS client, as records: read by BoringSSL up to where the certificate is chosen, and there by
// us. A certificate that is chosen is one that the client can verify; one for the name that it asks for, where there is
// one.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/check.h"
#include "worker/tls/server_certificates.h"

namespace sluice::worker {
namespace {

// of no value: its key was thrown away
constexpr std::string_view kCertificate = R"(-----BEGIN CERTIFICATE-----
MIIBkTCCATigAwIBAgIUJuIFABu5yZG3K7IuVC1ETdjJJrkwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEZnV6ejAgFw0yNjExMjQwMjMyNDZaGA8yMTI2MTAzMTAyMzI0
NlowDzENMAsGA1UEAwwEZnV6ejBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABL6p
ceqpfYQkR57m3JOLictSOUG0h2lHPCndArig5YILow4MbKy+6NM5AztrGgfujgEJ
UVmRL6BfBAJbPR4OEMyjcDBuMB0GA1UdDgQWBBRaceV6KB3//OExhUQGZlMiXLVa
8TAfBgNVHSMEGDAWgBRaceV6KB3//OExhUQGZlMiXLVa8TAPBgNVHRMBAf8EBTAD
AQH/MBsGA1UdEQQUMBKCBmEudGVzdIIIKi5iLnRlc3QwCgYIKoZIzj0EAwIDRwAw
RAIgYRK6DbY+fzacpPu1RsFHUTuGEJ68MSmiuMKeIFOaYi0CICDG1Ihysft4BdJX
6dXZc0wi0GVhiA2fhSSgRvfrH+tY
-----END CERTIFICATE-----
)";

const ServerCertificates& certificates() {
  static const auto kAll = [] {
    auto made = std::make_unique<ServerCertificates>();
    Result<std::unique_ptr<const ServerCertificate>> one = ServerCertificate::read(kCertificate);
    SLUICE_CHECK(one.has_value(), "the certificate cannot be read");
    made->add(*std::move(one));
    return made;
  }();
  return *kAll;
}

ssl_select_cert_result_t choose(const SSL_CLIENT_HELLO* hello) {
  const char* const name = SSL_get_servername(hello->ssl, TLSEXT_NAMETYPE_host_name);
  const ClientAbilities client = abilities_of(*hello);
  const ServerCertificate* const chosen = certificates().choose(name != nullptr ? name : "", client);
  SLUICE_CHECK((chosen != nullptr) == client.verify(KeyKind::kP256),
               "the only certificate is for all who can verify it");
  if (chosen != nullptr && name != nullptr) {
    const bool covered = chosen->covers(name);
    static_cast<void>(covered);
  }
  return ssl_select_cert_error;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  SSL_CTX_set_select_certificate_cb(context.get(), choose);
  const bssl::UniquePtr<SSL> ssl(SSL_new(context.get()));
  SSL_set_accept_state(ssl.get());
  SSL_set_bio(ssl.get(), BIO_new_mem_buf(data, static_cast<int>(size)), BIO_new(BIO_s_mem()));
  const int came_to = SSL_do_handshake(ssl.get());
  SLUICE_CHECK(came_to != 1, "there is no handshake without a key");
  ERR_clear_error();
  return 0;
}

}  // namespace sluice::worker
