// Settings of TLS towards the clients of an endpoint. Certificates become part of the settings when sluice reads the
// files; keys never do: their files are opened and given to the keyholder.
#pragma once
#include <string>
#include <vector>

#include "base/settings/describe.h"
#include "ipc/settings/checks.h"
#include "ipc/settings/upstream_tls.h"

namespace sluice::ipc {

struct CertificateSettings {
  std::string certificate_file;
  std::string certificate;
  std::string key_file;
  bool operator==(const CertificateSettings&) const = default;

  static constexpr std::string_view about =
      "A certificate with its key: ECDSA with P-256, P-384 or P-521, or RSA with 2048 bits at least. It is shown to "
      "clients that ask for one of its names (SNI), exact or \"*.example.org\"; of several for one name the first of "
      "ECDSA that the client can use, then the first of RSA. Who asks for no name, or one that none has, gets the "
      "first "
      "that it can use.";
  static constexpr void describe(auto& f) {
    using S = CertificateSettings;
    f(&S::certificate_file, "certificate_file",
      "Absolute path of a file with the certificate and those between it and its authority, in this order, as PEM.")
        .check(kFilePath);
    f(&S::certificate, "certificate", "The certificates themselves, in place of a file.").check(kPemCertificates);
    f(&S::key_file, "key_file",
      "Absolute path of the file with its key as PEM, not encrypted. No worker ever has what is in it.")
        .check(kFilePath)
        .filled();
  }
};
static_assert(settings::complete<CertificateSettings>());

struct EndpointTlsSettings {
  bool enabled = false;
  std::vector<CertificateSettings> certificates;
  TlsVersion minimum_version = TlsVersion::kTls12;
  Milliseconds handshake_timeout = 10s;
  bool operator==(const EndpointTlsSettings&) const = default;

  static constexpr std::string_view about =
      "TLS towards clients. Files are read when sluice starts or reloads; renewed certificates need no new processes. "
      "Which versions of HTTP are offered (ALPN) follows from http.versions.";
  static constexpr void describe(auto& f) {
    using S = EndpointTlsSettings;
    f(&S::enabled, "enabled", "Speak TLS, and nothing else.");
    f(&S::certificates, "certificates", "");
    f(&S::minimum_version, "minimum_version", "The oldest version that is spoken; the newest is 1.3.");
    f(&S::handshake_timeout, "handshake_timeout", "Time for the handshake.").range(10ms, 1h);
  }
};
static_assert(settings::complete<EndpointTlsSettings>());

struct SessionTicketSettings {
  bool enabled = true;
  Milliseconds rotation = 12h;
  bool operator==(const SessionTicketSettings&) const = default;

  static constexpr std::string_view about =
      "TLS sessions that clients take up again, which saves both sides most of a handshake, at any worker and after "
      "any "
      "upgrade. What they need for it they keep themselves, sealed with a key that all workers of the tenant have.";
  static constexpr void describe(auto& f) {
    using S = SessionTicketSettings;
    f(&S::enabled, "enabled", "Give sessions to clients, and take them up.");
    f(&S::rotation, "rotation", "Time after which another key is used. A session can be taken up for as long as this.")
        .range(1s, 168h);
  }
};
static_assert(settings::complete<SessionTicketSettings>());

}  // namespace sluice::ipc
