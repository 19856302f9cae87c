// See client_hello.h.
#include "worker/tls/client_hello.h"

#include <openssl/bytestring.h>

namespace sluice::worker {
namespace {

bool extension(const SSL_CLIENT_HELLO& hello, std::uint16_t type, CBS& into) {
  const std::uint8_t* data = nullptr;
  std::size_t size = 0;
  if (SSL_early_callback_ctx_extension_get(&hello, type, &data, &size) != 1) return false;
  CBS_init(&into, data, size);
  return true;
}

// Of TLS 1.3 the cipher suites say nothing about certificates.
bool speaks_tls13(const SSL_CLIENT_HELLO& hello) {
  CBS body;
  CBS versions;
  if (!extension(hello, TLSEXT_TYPE_supported_versions, body) || CBS_get_u8_length_prefixed(&body, &versions) != 1)
    return false;
  for (std::uint16_t version = 0; CBS_get_u16(&versions, &version) == 1;)
    if (version == TLS1_3_VERSION) return true;
  return false;
}

struct Suites {
  bool ecdsa = false;
  bool rsa = false;
};
Suites suites_of(const SSL_CLIENT_HELLO& hello) {
  Suites found;
  CBS suites;
  CBS_init(&suites, hello.cipher_suites, hello.cipher_suites_len);
  for (std::uint16_t value = 0; CBS_get_u16(&suites, &value) == 1;) {
    const SSL_CIPHER* const cipher = SSL_get_cipher_by_value(value);
    if (cipher == nullptr) continue;
    if (SSL_CIPHER_get_auth_nid(cipher) == NID_auth_ecdsa) found.ecdsa = true;
    if (SSL_CIPHER_get_auth_nid(cipher) == NID_auth_rsa) found.rsa = true;
  }
  return found;
}

}  // namespace

bool ClientAbilities::verify(KeyKind kind) const {
  switch (kind) {
    case KeyKind::kP256:
      return p256;
    case KeyKind::kP384:
      return p384;
    case KeyKind::kP521:
      return p521;
    case KeyKind::kRsa:
      return rsa;
    case KeyKind::kOther:
      return false;
  }
  return false;
}

ClientAbilities abilities_of(const SSL_CLIENT_HELLO& hello) {
  ClientAbilities abilities;
  CBS body;
  CBS schemes;
  if (extension(hello, TLSEXT_TYPE_signature_algorithms, body) && CBS_get_u16_length_prefixed(&body, &schemes) == 1) {
    for (std::uint16_t scheme = 0; CBS_get_u16(&schemes, &scheme) == 1;) {
      if (scheme == SSL_SIGN_ECDSA_SECP256R1_SHA256) abilities.p256 = true;
      if (scheme == SSL_SIGN_ECDSA_SECP384R1_SHA384) abilities.p384 = true;
      if (scheme == SSL_SIGN_ECDSA_SECP521R1_SHA512) abilities.p521 = true;
      if (SSL_get_signature_algorithm_key_type(scheme) == EVP_PKEY_RSA) abilities.rsa = true;
    }
  }
  if (speaks_tls13(hello)) return abilities;
  const Suites suites = suites_of(hello);
  if (!suites.ecdsa) abilities.p256 = abilities.p384 = abilities.p521 = false;
  if (!suites.rsa) abilities.rsa = false;
  return abilities;
}

}  // namespace sluice::worker
