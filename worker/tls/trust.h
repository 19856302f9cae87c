// TlsTrust: the certificates that everything else is checked against. Either those of the system, read once and before
// the sandbox closes, or those that a text of the configuration holds.
#pragma once
#include <openssl/base.h>

#include <memory>
#include <string_view>

#include "base/result.h"

namespace sluice::worker {

class TlsTrust {
 public:
  explicit TlsTrust(bssl::UniquePtr<X509_STORE> store);
  ~TlsTrust();
  TlsTrust(TlsTrust&&) = delete;

  /// Those of the system. Errors: kBadConfig when it has none where we look.
  [[nodiscard]] static Result<std::shared_ptr<const TlsTrust>> of_system();
  /// Errors: kBadConfig.
  [[nodiscard]] static Result<std::shared_ptr<const TlsTrust>> of_pem(std::string_view pem);

  [[nodiscard]] X509_STORE& store() const { return *store_; }

 private:
  bssl::UniquePtr<X509_STORE> store_;
};

}  // namespace sluice::worker
