// Certificates made for a test, and servers that show them.
#pragma once
#include <openssl/base.h>

#include <string>
#include <vector>

namespace sluice::worker {

struct Identity {
  bssl::UniquePtr<X509> certificate;
  bssl::UniquePtr<EVP_PKEY> key;

  [[nodiscard]] std::string certificate_pem() const;
  [[nodiscard]] std::string key_pem() const;
  /// As `pins` has it.
  [[nodiscard]] std::string pin() const;
};

struct Wish {
  std::string name = "test";
  std::vector<std::string> sans;        ///< "DNS:a.test", "IP:127.0.0.1"
  const Identity* authority = nullptr;  ///< null: signed by itself
  int days = 30;                        ///< validity from yesterday on; negative: over already
  bool is_authority = false;
  bool rsa = false;  ///< its key; otherwise P-256
};
[[nodiscard]] Identity make_identity(const Wish& wish);

/// As `crl` has it: the authority's list of those that it has revoked, valid from yesterday on; negative days: over.
[[nodiscard]] std::string revocation_list(const Identity& authority, const std::vector<const Identity*>& revoked,
                                          int days = 30);

/// A server's side that shows the certificate.
[[nodiscard]] bssl::UniquePtr<SSL_CTX> server_context(const Identity& identity);

}  // namespace sluice::worker
