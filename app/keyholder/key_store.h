// KeyStore: the private keys of all tenants, each to be used for its own tenant alone. Keys come in and never go out:
// what can be had of one is a signature.
#pragma once
#include <openssl/base.h>

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/fd.h"
#include "base/result.h"
#include "ipc/signing.h"

namespace sluice::keyholder {

/// The key in a file, read from its beginning without moving its offset. Errors: kBadConfig with a sentence; of a kind
/// or a size that TLS does not use; what the system says.
[[nodiscard]] Result<bssl::UniquePtr<EVP_PKEY>> read_key(const Fd& file);

class KeyStore {
 public:
  KeyStore();
  KeyStore(KeyStore&&) = delete;
  ~KeyStore();

  /// Errors: as read_key(); nothing has changed then.
  [[nodiscard]] Result<> add(std::string_view tenant, const Fd& file);
  [[nodiscard]] ipc::SignAnswer sign(const std::string& tenant, const ipc::SignRequest& request) const;
  [[nodiscard]] std::size_t size() const { return keys_.size(); }

 private:
  std::map<std::pair<std::string, std::string>, bssl::UniquePtr<EVP_PKEY>>
      keys_;  // by tenant and ipc::SignRequest::key
};

}  // namespace sluice::keyholder
