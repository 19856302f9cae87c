// TlsClient: how TLS is spoken to the servers of one upstream: whom to believe, what to show, what to accept. Made from
// the settings, shared by all connections that were begun under them; connections under different settings share
// nothing, neither pools nor sessions.
#pragma once
#include <openssl/base.h>
#include <openssl/stack.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ipc/settings/http2.h"
#include "ipc/settings/upstream_tls.h"
#include "worker/tls/stream.h"
#include "worker/tls/trust.h"

STACK_OF(X509_CRL);  // declared here, as <openssl/x509.h> is a long one

namespace sluice::worker {

class TlsClient {
 public:
  /// Versions of HTTP, for ALPN, the one that is liked best first.
  using Versions = std::vector<ipc::HttpVersion>;
  static inline const Versions kHttp1Only = {ipc::HttpVersion::kHttp1};

  /// `system` may be null while `settings` need no certificates of the system. Errors: kBadConfig, kUnsupported when
  /// they do.
  [[nodiscard]] static Result<std::shared_ptr<const TlsClient>> make(const ipc::UpstreamTlsSettings& settings,
                                                                     const TlsTrust* system,
                                                                     const Versions& versions = kHttp1Only);
  TlsClient(const ipc::UpstreamTlsSettings& settings, const Versions& versions);
  TlsClient(TlsClient&&) = delete;
  ~TlsClient();

  /// TLS over `under`, before the handshake, to the server that the configuration calls `host`. Lifetime: this must
  /// outlive the handshake, `under` the stream.
  [[nodiscard]] std::unique_ptr<TlsStream> open(Loop& loop, ByteStream& under, std::string_view host,
                                                std::shared_ptr<TlsSessions> sessions) const;
  [[nodiscard]] Millis timeout() const { return settings_.handshake_timeout; }
  [[nodiscard]] const ipc::UpstreamTlsSettings& settings() const { return settings_; }
  [[nodiscard]] const Versions& versions() const { return versions_; }
  /// Needs the certificates of the system.
  [[nodiscard]] static bool needs_system(const ipc::UpstreamTlsSettings& settings) {
    return settings.enabled && settings.verify == ipc::VerifyOrigin::kCertificate && settings.ca.empty();
  }

 private:
  using Digest = std::array<std::uint8_t, 32>;
  [[nodiscard]] Result<> trust(const TlsTrust* system);
  [[nodiscard]] Result<> learn_revoked();
  [[nodiscard]] Result<> show_certificate();
  [[nodiscard]] Result<> learn_pins();
  [[nodiscard]] Result<> learn_ech();
  /// What is wrong with what a server shows; nothing when it is to be believed.
  [[nodiscard]] std::string find_fault(X509_STORE_CTX& shown) const;

  const ipc::UpstreamTlsSettings settings_;
  const Versions versions_;
  bssl::UniquePtr<SSL_CTX> context_;
  bssl::UniquePtr<STACK_OF(X509_CRL)> revoked_;  // null: not looked at
  std::vector<Digest> pins_;
  std::vector<std::uint8_t> ech_;  // ECHConfigList (RFC 9849 section 4)
};

}  // namespace sluice::worker
