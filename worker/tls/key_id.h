// What tells keys apart, for who has the certificate and for who has the key: their kind, and the SHA-256 of the
// SubjectPublicKeyInfo.
#pragma once
#include <openssl/base.h>

#include <cstdint>
#include <string>

namespace sluice::worker {

enum class KeyKind : std::uint8_t {
  kP256,
  kP384,
  kP521,
  kRsa,    ///< 2048 to 8192 bits
  kOther,  ///< not used for TLS here
};
[[nodiscard]] KeyKind key_kind(const EVP_PKEY& key);

/// 32 bytes; of the public key or of the private one, which has the same.
[[nodiscard]] std::string key_id(const EVP_PKEY& key);

}  // namespace sluice::worker
