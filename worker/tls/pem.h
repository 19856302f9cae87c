// What is in PEM texts (RFC 7468): certificates, lists of revoked ones, and a private key.
#pragma once
#include <openssl/base.h>

#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::worker {

/// All certificates of a text, in its order; other things between them are passed over. Errors: kBadConfig when there
/// is none, or one cannot be read.
[[nodiscard]] Result<std::vector<bssl::UniquePtr<X509>>> certificates_of(std::string_view pem);
/// The same with lists of revoked certificates.
[[nodiscard]] Result<std::vector<bssl::UniquePtr<X509_CRL>>> revocation_lists_of(std::string_view pem);
/// Errors: kBadConfig when there is no key, or it is encrypted.
[[nodiscard]] Result<bssl::UniquePtr<EVP_PKEY>> key_of(std::string_view pem);

}  // namespace sluice::worker
