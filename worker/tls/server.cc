// See server.h.
#include "worker/tls/server.h"

#include <openssl/sha.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/check.h"
#include "base/net/host_name.h"

namespace sluice::worker {
namespace {

// Forward secret, authenticated encryption, nothing else (RFC 9325 section 4.2); of TLS 1.3 BoringSSL has only such.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";

const TlsServer& server_of(const SSL& ssl) {
  return *static_cast<const TlsServer*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(&ssl)));
}

ssl_private_key_result_t sign(SSL* ssl, std::uint8_t* /*out*/, std::size_t* /*size*/, std::size_t /*most*/,
                              std::uint16_t algorithm, const std::uint8_t* in, std::size_t in_size) {
  TlsStream& stream = TlsStream::of(*ssl);
  const Result<> begun =
      stream.signature()->begin(stream.certificate()->key(), algorithm, {reinterpret_cast<const char*>(in), in_size});
  if (begun) return ssl_private_key_retry;
  stream.blame(begun.error());
  return ssl_private_key_failure;
}

ssl_private_key_result_t no_decryption(SSL*, std::uint8_t*, std::size_t*, std::size_t, const std::uint8_t*,
                                       std::size_t) {
  return ssl_private_key_failure;  // none of our ciphers needs it
}

ssl_private_key_result_t complete(SSL* ssl, std::uint8_t* out, std::size_t* size, std::size_t most) {
  TlsStream& stream = TlsStream::of(*ssl);
  if (!stream.signature()->has_ended()) return ssl_private_key_retry;
  const Result<std::string_view> signature = stream.signature()->bytes();
  if (!signature || signature->size() > most) {
    stream.blame(signature ? Error(Code::kProtocol, "a signature that is too long") : signature.error());
    return ssl_private_key_failure;
  }
  std::ranges::copy(*signature, out);
  *size = signature->size();
  return ssl_private_key_success;
}

constexpr SSL_PRIVATE_KEY_METHOD kByKeyholder = {.sign = sign, .decrypt = no_decryption, .complete = complete};

ssl_select_cert_result_t choose_certificate(const SSL_CLIENT_HELLO* hello) {
  SSL* const ssl = hello->ssl;
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const ServerCertificate* const chosen =
      server_of(*ssl).certificates().choose(name != nullptr ? name : "", abilities_of(*hello));
  if (chosen == nullptr) {
    TlsStream::of(*ssl).blame(Error(Code::kTlsProtocol, "TLS: the client can verify none of the certificates"));
    return ssl_select_cert_error;
  }
  TlsStream::of(*ssl).show(*chosen);
  if (!TlsStream::of(*ssl).tickets()->any()) SSL_set_options(ssl, SSL_OP_NO_TICKET);
  const bool set =
      SSL_set_chain_and_key(ssl, chosen->chain().data(), chosen->chain().size(), nullptr, &kByKeyholder) == 1;
  return set ? ssl_select_cert_success : ssl_select_cert_error;
}

std::size_t ticket_overhead(SSL* /*ssl*/) {
  return Tickets::kOverhead;
}

int seal_ticket(SSL* ssl, std::uint8_t* out, std::size_t* size, std::size_t most, const std::uint8_t* in,
                std::size_t in_size) {
  const std::optional<std::size_t> sealed = TlsStream::of(*ssl).tickets()->seal({out, most}, {in, in_size});
  *size = sealed.value_or(0);
  return sealed ? 1 : 0;
}

// One that cannot be opened is as good as none: the handshake is a full one.
ssl_ticket_aead_result_t open_ticket(SSL* ssl, std::uint8_t* out, std::size_t* size, std::size_t most,
                                     const std::uint8_t* in, std::size_t in_size) {
  const std::optional<std::size_t> opened = TlsStream::of(*ssl).tickets()->open({out, most}, {in, in_size});
  *size = opened.value_or(0);
  return opened ? ssl_ticket_aead_success : ssl_ticket_aead_ignore_ticket;
}

constexpr SSL_TICKET_AEAD_METHOD kTickets = {.max_overhead = ticket_overhead, .seal = seal_ticket, .open = open_ticket};

int choose_protocol(SSL* ssl, const std::uint8_t** out, std::uint8_t* size, const std::uint8_t* in, unsigned in_size,
                    void* /*unused*/) {
  const std::string_view chosen =
      server_of(*ssl).choose_protocol({reinterpret_cast<const char*>(in), static_cast<std::size_t>(in_size)});
  if (chosen.empty()) return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 section 3.2
  *out = reinterpret_cast<const std::uint8_t*>(chosen.data());
  *size = static_cast<std::uint8_t>(chosen.size());
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

TlsServer::TlsServer(const ipc::EndpointSettings& settings, const ipc::SessionTicketSettings& tickets)
    : timeout_(settings.tls.handshake_timeout), context_(SSL_CTX_new(TLS_method())) {
  SLUICE_CHECK(context_ != nullptr, "out of memory");
  const auto speaks = [&](ipc::HttpVersion version) {
    return std::ranges::find(settings.http.versions, version) != settings.http.versions.end();
  };
  if (speaks(ipc::HttpVersion::kHttp2)) protocols_.emplace_back("h2");
  if (speaks(ipc::HttpVersion::kHttp1)) protocols_.emplace_back("http/1.1");
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_min_proto_version(
      context, settings.tls.minimum_version == ipc::TlsVersion::kTls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  SLUICE_CHECK(SSL_CTX_set_strict_cipher_list(context, kCiphers) == 1, "a cipher that BoringSSL does not have");
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | (tickets.enabled ? 0 : SSL_OP_NO_TICKET));
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_ticket_aead_method(context, &kTickets);
  const auto lifetime = static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(tickets.rotation).count());
  SSL_CTX_set_timeout(context, lifetime);
  SSL_CTX_set_session_psk_dhe_timeout(context, lifetime);
  // keys are the tenant's, sessions the endpoint's
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> place{};
  SHA256(reinterpret_cast<const std::uint8_t*>(settings.name.data()), settings.name.size(), place.data());
  SSL_CTX_set_session_id_context(context, place.data(), place.size());
  SSL_CTX_set_select_certificate_cb(context, choose_certificate);
  SSL_CTX_set_alpn_select_cb(context, worker::choose_protocol, nullptr);
}

TlsServer::~TlsServer() = default;

Result<std::shared_ptr<const TlsServer>> TlsServer::make(const ipc::EndpointSettings& settings,
                                                         const ipc::SessionTicketSettings& tickets) {
  auto server = std::make_shared<TlsServer>(settings, tickets);
  for (const ipc::CertificateSettings& one : settings.tls.certificates) {
    Result<std::unique_ptr<const ServerCertificate>> certificate = ServerCertificate::read(one.certificate);
    if (!certificate) return fail(std::move(certificate).error().during("a certificate of endpoint " + settings.name));
    server->certificates_.add(*std::move(certificate));
  }
  return server;
}

std::unique_ptr<TlsStream> TlsServer::open(Loop& loop, ByteStream& under, const Helpers& helpers) const {
  bssl::UniquePtr<SSL> ssl(SSL_new(context_.get()));
  SLUICE_CHECK(ssl != nullptr, "out of memory");
  SSL_set_accept_state(ssl.get());
  auto stream = std::make_unique<TlsStream>(loop, under, std::move(ssl));
  stream->sign_by(helpers.signer);
  stream->seal_by(helpers.tickets);
  return stream;
}

std::string_view TlsServer::choose_protocol(std::string_view offered) const {
  for (const std::string_view ours : protocols_)
    for (std::string_view rest = offered; !rest.empty();) {
      const auto size = static_cast<std::uint8_t>(rest.front());
      if (rest.size() > size && rest.substr(1, size) == ours) return ours;
      rest.remove_prefix(std::min<std::size_t>(rest.size(), std::size_t{1} + size));
    }
  return {};
}

bool may_ask_for(TlsStream& stream, std::string_view host) {
  const std::string_view name = stream.server_name();
  if (name.empty() || same_name(name, host)) return true;
  return stream.certificate() != nullptr && stream.certificate()->covers(host);
}

}  // namespace sluice::worker
