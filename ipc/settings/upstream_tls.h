// Settings of TLS towards the servers of an upstream.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/settings/describe.h"
#include "ipc/settings/checks.h"

namespace sluice::ipc {

using namespace std::chrono_literals;

enum class TlsVersion : std::uint8_t { kTls12, kTls13 };
constexpr auto choices(TlsVersion) {
  using settings::Choice;
  return std::array{Choice{TlsVersion::kTls12, "tls1.2", "RFC 5246"}, Choice{TlsVersion::kTls13, "tls1.3", "RFC 8446"}};
}

enum class VerifyOrigin : std::uint8_t { kCertificate, kPins, kInsecure };
constexpr auto choices(VerifyOrigin) {
  using settings::Choice;
  return std::array{Choice{VerifyOrigin::kCertificate, "certificate",
                           "its certificate is valid now, for its name, and signed by somebody we trust"},
                    Choice{VerifyOrigin::kPins, "pins", "its key is one of `pins`, whatever else its certificate says"},
                    Choice{VerifyOrigin::kInsecure, "insecure",
                           "nothing: who sits in between can read and change all of it. Logged as a warning"}};
}

struct UpstreamTlsSettings {
  bool enabled = false;
  VerifyOrigin verify = VerifyOrigin::kCertificate;
  std::string server_name;
  std::string ca_file;
  std::string ca;
  std::string crl_file;
  std::string crl;
  std::vector<std::string> pins;
  std::string certificate_file;
  std::string certificate;
  std::string key_file;
  std::string key;
  TlsVersion minimum_version = TlsVersion::kTls12;
  std::string ech;
  Milliseconds handshake_timeout = 5s;
  bool operator==(const UpstreamTlsSettings&) const = default;

  static constexpr std::string_view about =
      "TLS towards the servers. Files are read when sluice starts or reloads; they hold PEM. Sessions are resumed, and "
      "connections are kept in the pool as without TLS.";
  static constexpr void describe(auto& f) {
    using S = UpstreamTlsSettings;
    f(&S::enabled, "enabled", "Speak TLS.");
    f(&S::verify, "verify", "What makes a server the right one.");
    f(&S::server_name, "server_name",
      "Name (or IP address) that is asked for by SNI and that the certificate must be for. Empty: the server's, as it "
      "is written in `servers`.")
        .check(kTlsName);
    f(&S::ca_file, "ca_file",
      "Absolute path of a file with the certificates that are trusted. Without it and `ca`: those of the system.")
        .check(kFilePath);
    f(&S::ca, "ca", "The certificates themselves, in place of a file.").check(kPemCertificates);
    f(&S::crl_file, "crl_file",
      "Absolute path of a file with lists of revoked certificates (RFC 5280 section 5). With them, each certificate up "
      "to the authority must be in none, and each must have a list of its issuer that is valid now: renew them in "
      "time.")
        .check(kFilePath);
    f(&S::crl, "crl", "The lists themselves, in place of a file.").check(kPemRevocationLists);
    f(&S::pins, "pins",
      "The server's key must be one of these: \"sha256/BASE64\", of its SubjectPublicKeyInfo. List the next key before "
      "it is used.")
        .check(kPin);
    f(&S::certificate_file, "certificate_file",
      "Absolute path of a file with our own certificate and those between it and its authority, in this order.")
        .check(kFilePath);
    f(&S::certificate, "certificate", "The certificates themselves, in place of a file.").check(kPemCertificates);
    f(&S::key_file, "key_file", "Absolute path of a file with the key of our certificate, not encrypted.")
        .check(kFilePath);
    f(&S::key, "key", "The key itself, in place of a file.").check(kPemKey).secret();
    f(&S::minimum_version, "minimum_version", "The oldest version that is spoken; the newest is 1.3.");
    f(&S::ech, "ech",
      "Encrypt the name in the ClientHello (Encrypted Client Hello, RFC 9849): the server's ECHConfigList in base64, "
      "as "
      "its HTTPS record has it. A server that does not take it is not spoken to.")
        .check(kBase64);
    f(&S::handshake_timeout, "handshake_timeout", "Time for the handshake, once connected.").range(10ms, 1h);
  }
};
static_assert(settings::complete<UpstreamTlsSettings>());

}  // namespace sluice::ipc
