// The certificates of an endpoint, and which of them a client is shown: by the name that it asks for (SNI), exact
// before wildcard, and by what it can verify.
#pragma once
#include <openssl/base.h>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "worker/tls/client_hello.h"

namespace sluice::worker {

/// One certificate with those up to its authority.
class ServerCertificate {
 public:
  /// Errors: kBadConfig.
  [[nodiscard]] static Result<std::unique_ptr<const ServerCertificate>> read(std::string_view pem);

  [[nodiscard]] const std::vector<CRYPTO_BUFFER*>& chain() const { return chain_; }
  [[nodiscard]] KeyKind kind() const { return kind_; }
  [[nodiscard]] const std::string& key() const { return key_; }
  /// DNS names, in lower case; wildcards as they are written.
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  /// Is it for this host, a name or an address?
  [[nodiscard]] bool covers(std::string_view host) const;

 private:
  friend class ServerCertificates;
  bssl::UniquePtr<X509> leaf_;
  std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> owned_;
  std::vector<CRYPTO_BUFFER*> chain_;
  KeyKind kind_ = KeyKind::kOther;
  std::string key_;
  std::vector<std::string> names_;
};

class ServerCertificates {
 public:
  void add(std::unique_ptr<const ServerCertificate> certificate);
  /// `name` is empty when none was asked for. Null: the client can verify none.
  [[nodiscard]] const ServerCertificate* choose(std::string_view name, const ClientAbilities& client) const;

 private:
  using List = std::vector<const ServerCertificate*>;
  std::vector<std::unique_ptr<const ServerCertificate>> all_;
  List order_;
  std::unordered_map<std::string, List> exact_;
  std::unordered_map<std::string, List> wildcards_;  // by what follows the first label
};

}  // namespace sluice::worker
