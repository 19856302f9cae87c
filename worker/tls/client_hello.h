// What a client can do, as far as it decides which certificate it is shown: read from its ClientHello before anything
// is answered.
#pragma once
#include <openssl/base.h>
#include <openssl/ssl.h>

#include "worker/tls/key_id.h"

namespace sluice::worker {

struct ClientAbilities {
  bool p256 = false;
  bool p384 = false;
  bool p521 = false;
  bool rsa = false;

  [[nodiscard]] bool verify(KeyKind kind) const;
};
/// Never fails: what cannot be read is not there, and the handshake says so later.
[[nodiscard]] ClientAbilities abilities_of(const SSL_CLIENT_HELLO& hello);

}  // namespace sluice::worker
