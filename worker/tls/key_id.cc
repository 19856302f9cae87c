// See key_id.h.
#include "worker/tls/key_id.h"

#include <openssl/bytestring.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/sha.h>

#include "base/check.h"

namespace sluice::worker {
namespace {

constexpr int kLeastRsaBits = 2048;
constexpr int kMostRsaBits = 8192;  // what a signature that has to be waited for may cost

KeyKind kind_of_curve(const EVP_PKEY& key) {
  const EC_KEY* const ec = EVP_PKEY_get0_EC_KEY(&key);
  if (ec == nullptr) return KeyKind::kOther;
  switch (EC_GROUP_get_curve_name(EC_KEY_get0_group(ec))) {
    case NID_X9_62_prime256v1:
      return KeyKind::kP256;
    case NID_secp384r1:
      return KeyKind::kP384;
    case NID_secp521r1:
      return KeyKind::kP521;
    default:
      return KeyKind::kOther;
  }
}

}  // namespace

KeyKind key_kind(const EVP_PKEY& key) {
  if (EVP_PKEY_id(&key) == EVP_PKEY_EC) return kind_of_curve(key);
  if (EVP_PKEY_id(&key) != EVP_PKEY_RSA) return KeyKind::kOther;
  const int bits = EVP_PKEY_bits(&key);
  return bits >= kLeastRsaBits && bits <= kMostRsaBits ? KeyKind::kRsa : KeyKind::kOther;
}

std::string key_id(const EVP_PKEY& key) {
  bssl::ScopedCBB cbb;
  SLUICE_CHECK(CBB_init(cbb.get(), 128) == 1 && EVP_marshal_public_key(cbb.get(), &key) == 1, "out of memory");
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(CBB_data(cbb.get()), CBB_len(cbb.get()), reinterpret_cast<std::uint8_t*>(digest.data()));
  return digest;
}

}  // namespace sluice::worker
