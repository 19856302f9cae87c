// See client.h.
#include "worker/tls/client.h"

#include <openssl/base64.h>
#include <openssl/mem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/check.h"
#include "base/net/address.h"
#include "base/net/host_name.h"
#include "worker/tls/pem.h"

namespace sluice::worker {
namespace {

// RFC 7301 section 3.1: lengths and names.
std::vector<std::uint8_t> alpn_of(const TlsClient::Versions& versions) {
  std::vector<std::uint8_t> list;
  for (const ipc::HttpVersion version : versions) {
    const std::string_view name = settings::name_of(version);
    list.push_back(static_cast<std::uint8_t>(name.size()));
    list.insert(list.end(), name.begin(), name.end());
  }
  return list;
}

std::uint16_t wire_version(ipc::TlsVersion version) {
  return version == ipc::TlsVersion::kTls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
  TlsStream::of(*ssl).take_session(bssl::UniquePtr<SSL_SESSION>(session));
  return 1;  // it is ours now
}

// What the certificate must be for, and what the server is told whom we want. SNI carries no addresses (RFC 6066
// section 3), and a name counts only as a subjectAltName, wildcards as a whole leftmost label (RFC 9525 section 6).
void name_server(SSL& ssl, std::string_view host) {
  X509_VERIFY_PARAM* const expected = SSL_get0_param(&ssl);
  if (const Result<IpAddress> ip = IpAddress::parse(host); ip) {
    SLUICE_CHECK(X509_VERIFY_PARAM_set1_ip(expected, ip->bytes().data(), ip->bytes().size()) == 1, "out of memory");
    return;
  }
  const std::string name(without_root(host));
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  SLUICE_CHECK(X509_VERIFY_PARAM_set1_host(expected, name.data(), name.size()) == 1, "a host name that is none");
  SLUICE_CHECK(SSL_set_tlsext_host_name(&ssl, name.c_str()) == 1, "a host name that is none");
}

}  // namespace

TlsClient::TlsClient(const ipc::UpstreamTlsSettings& settings, const Versions& versions)
    : settings_(settings), versions_(versions), context_(SSL_CTX_new(TLS_method())) {
  SLUICE_CHECK(context_ != nullptr, "out of memory");
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_min_proto_version(context, wire_version(settings_.minimum_version));
  const std::vector<std::uint8_t> alpn = alpn_of(versions);
  SLUICE_CHECK(SSL_CTX_set_alpn_protos(context, alpn.data(), alpn.size()) == 0, "out of memory");
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  // a way to somebody trusted is taken when there is one, also where the server shows another that has expired
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_TRUSTED_FIRST);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(
      context,
      [](X509_STORE_CTX* shown, void* self) {
        const std::string fault = static_cast<const TlsClient*>(self)->find_fault(*shown);
        if (fault.empty()) return 1;
        auto* const ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(shown, SSL_get_ex_data_X509_STORE_CTX_idx()));
        TlsStream::of(*ssl).blame_certificate(fault);
        if (X509_STORE_CTX_get_error(shown) == X509_V_OK)
          X509_STORE_CTX_set_error(shown, X509_V_ERR_APPLICATION_VERIFICATION);
        return 0;
      },
      this);
}

TlsClient::~TlsClient() = default;

Result<std::shared_ptr<const TlsClient>> TlsClient::make(const ipc::UpstreamTlsSettings& settings,
                                                         const TlsTrust* system, const Versions& versions) {
  auto client = std::make_shared<TlsClient>(settings, versions);
  if (Result<> trusts = client->trust(system); !trusts) return fail(std::move(trusts.error()));
  if (Result<> shows = client->show_certificate(); !shows) return fail(std::move(shows.error()));
  if (Result<> revoked = client->learn_revoked(); !revoked) return fail(std::move(revoked.error()));
  if (Result<> pinned = client->learn_pins(); !pinned) return fail(std::move(pinned.error()));
  if (Result<> hidden = client->learn_ech(); !hidden) return fail(std::move(hidden.error()));
  return client;
}

Result<> TlsClient::trust(const TlsTrust* system) {
  if (settings_.verify != ipc::VerifyOrigin::kCertificate) return {};
  if (settings_.ca.empty()) {
    if (system == nullptr) return fail(Code::kUnsupported, "tls: the certificates of the system have not been read");
    SSL_CTX_set1_verify_cert_store(context_.get(), &system->store());
    return {};
  }
  const Result<std::shared_ptr<const TlsTrust>> own = TlsTrust::of_pem(settings_.ca);
  if (!own) return fail(Error(own.error()).during("tls.ca"));
  SSL_CTX_set1_verify_cert_store(context_.get(), &(*own)->store());
  // who is named here is believed, also without the one who signed for it
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context_.get()), X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

Result<> TlsClient::learn_revoked() {
  if (settings_.crl.empty()) return {};
  Result<std::vector<bssl::UniquePtr<X509_CRL>>> lists = revocation_lists_of(settings_.crl);
  if (!lists) return fail(std::move(lists.error()).during("tls.crl"));
  revoked_.reset(sk_X509_CRL_new_null());
  for (bssl::UniquePtr<X509_CRL>& list : *lists)
    SLUICE_CHECK(bssl::PushToStack(revoked_.get(), std::move(list)), "out of memory");
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context_.get()), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  return {};
}

Result<> TlsClient::show_certificate() {
  if (settings_.certificate.empty()) return {};
  const Result<std::vector<bssl::UniquePtr<X509>>> chain = certificates_of(settings_.certificate);
  if (!chain) return fail(Error(chain.error()).during("tls.certificate"));
  const Result<bssl::UniquePtr<EVP_PKEY>> key = key_of(settings_.key);
  if (!key) return fail(Error(key.error()).during("tls.key"));
  SSL_CTX* const context = context_.get();
  if (SSL_CTX_use_certificate(context, chain->front().get()) != 1 || SSL_CTX_use_PrivateKey(context, key->get()) != 1 ||
      SSL_CTX_check_private_key(context) != 1)
    return fail(Code::kBadConfig, "tls.key is not the key of the first certificate in tls.certificate");
  for (std::size_t i = 1; i < chain->size(); ++i)
    SLUICE_CHECK(SSL_CTX_add1_chain_cert(context, (*chain)[i].get()) == 1, "out of memory");
  return {};
}

Result<> TlsClient::learn_pins() {
  for (const std::string& pin : settings_.pins) {
    const std::string_view text = std::string_view(pin).substr(std::string_view(ipc::kPinPrefix).size());
    std::array<std::uint8_t, 36> raw{};
    std::size_t size = 0;
    const bool read = EVP_DecodeBase64(raw.data(), &size, raw.size(),
                                       reinterpret_cast<const std::uint8_t*>(text.data()), text.size()) == 1;
    if (!read || size != sizeof(Digest)) return fail(Code::kBadConfig, "tls.pins: " + pin + " is no pin");
    std::copy_n(raw.begin(), sizeof(Digest), pins_.emplace_back().begin());
  }
  return {};
}

Result<> TlsClient::learn_ech() {
  if (settings_.ech.empty()) return {};
  const auto* const text = reinterpret_cast<const std::uint8_t*>(settings_.ech.data());
  std::size_t size = 0;
  ech_.resize(settings_.ech.size());
  const bool read = EVP_DecodeBase64(ech_.data(), &size, ech_.size(), text, settings_.ech.size()) == 1;
  ech_.resize(size);
  const bssl::UniquePtr<SSL> trial(SSL_new(context_.get()));
  SLUICE_CHECK(trial != nullptr, "out of memory");
  if (!read || SSL_set1_ech_config_list(trial.get(), ech_.data(), ech_.size()) != 1)
    return fail(Code::kBadConfig, "tls.ech is no ECHConfigList");
  return {};
}

std::string TlsClient::find_fault(X509_STORE_CTX& shown) const {
  if (revoked_ != nullptr) X509_STORE_CTX_set0_crls(&shown, revoked_.get());
  if (settings_.verify == ipc::VerifyOrigin::kCertificate && X509_verify_cert(&shown) != 1)
    return std::string("the certificate: ") + X509_verify_cert_error_string(X509_STORE_CTX_get_error(&shown));
  if (pins_.empty()) return {};
  std::uint8_t* der = nullptr;
  X509* const leaf = X509_STORE_CTX_get0_cert(&shown);
  const int size = leaf == nullptr ? -1 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
  if (size <= 0) return "the certificate has no key";
  const bssl::UniquePtr<std::uint8_t> owned(der);
  Digest digest;
  SHA256(der, static_cast<std::size_t>(size), digest.data());
  return std::ranges::find(pins_, digest) != pins_.end() ? "" : "the certificate's key is none of tls.pins";
}

std::unique_ptr<TlsStream> TlsClient::open(Loop& loop, ByteStream& under, std::string_view host,
                                           std::shared_ptr<TlsSessions> sessions) const {
  bssl::UniquePtr<SSL> ssl(SSL_new(context_.get()));
  SLUICE_CHECK(ssl != nullptr, "out of memory");
  SSL_set_connect_state(ssl.get());
  name_server(*ssl, settings_.server_name.empty() ? host : std::string_view(settings_.server_name));
  if (!ech_.empty())
    SLUICE_CHECK(SSL_set1_ech_config_list(ssl.get(), ech_.data(), ech_.size()) == 1, "a list that was good is bad");
  TlsSessions::Kept earlier;
  if (sessions != nullptr) earlier = sessions->take(loop.now());
  if (earlier.session != nullptr) SSL_set_session(ssl.get(), earlier.session.get());
  auto stream = std::make_unique<TlsStream>(loop, under, std::move(ssl));
  stream->keep_sessions(std::move(sessions), earlier.checked);
  return stream;
}

}  // namespace sluice::worker
