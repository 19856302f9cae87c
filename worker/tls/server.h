// TlsServer: how TLS is spoken to the clients of one endpoint: what they are shown, what is offered and accepted. Made
// from the settings, shared by all connections that were begun under them. It has no private key: handshakes wait for
// their signatures (signer.h).
#pragma once
#include <openssl/base.h>

#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ipc/settings/endpoint.h"
#include "worker/tls/server_certificates.h"
#include "worker/tls/signer.h"
#include "worker/tls/stream.h"
#include "worker/tls/tickets.h"

namespace sluice::worker {

class TlsServer {
 public:
  /// What handshakes need and the worker has. Lifetime: outlives them.
  struct Helpers {
    Signer& signer;
    const Tickets& tickets;
  };
  /// Errors: kBadConfig with the certificate that cannot be used.
  [[nodiscard]] static Result<std::shared_ptr<const TlsServer>> make(const ipc::EndpointSettings& settings,
                                                                     const ipc::SessionTicketSettings& tickets);
  TlsServer(const ipc::EndpointSettings& settings, const ipc::SessionTicketSettings& tickets);
  TlsServer(TlsServer&&) = delete;
  ~TlsServer();

  /// TLS over `under`, before the handshake. Lifetime: this and `under` must outlive the stream.
  [[nodiscard]] std::unique_ptr<TlsStream> open(Loop& loop, ByteStream& under, const Helpers& helpers) const;
  [[nodiscard]] Millis timeout() const { return timeout_; }
  [[nodiscard]] const ServerCertificates& certificates() const { return certificates_; }
  /// Name of the protocol to go on with, of those that the client offers (RFC 7301 section 3.1: lengths and names);
  /// empty: none of ours.
  [[nodiscard]] std::string_view choose_protocol(std::string_view offered) const;

 private:
  ServerCertificates certificates_;
  Millis timeout_;
  std::vector<std::string_view> protocols_;  // the best first
  bssl::UniquePtr<SSL_CTX> context_;
};

/// Is a request for this host at its right place on the connection? Only one that asks for another name than the
/// handshake did, and that the certificate is not for, is not (RFC 9110 section 7.4).
[[nodiscard]] bool may_ask_for(TlsStream& stream, std::string_view host);

}  // namespace sluice::worker
