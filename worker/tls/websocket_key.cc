// See websocket_key.h.
#include "worker/tls/websocket_key.h"

#include <openssl/base64.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <span>

#include "base/check.h"

namespace sluice::worker {
namespace {

std::string base64(std::span<const std::uint8_t> bytes) {
  std::array<std::uint8_t, 64> text{};
  const std::size_t size = EVP_EncodeBlock(text.data(), bytes.data(), bytes.size());
  return {reinterpret_cast<const char*>(text.data()), size};
}

}  // namespace

std::string websocket_key() {
  std::array<std::uint8_t, 16> bytes{};
  SLUICE_CHECK(RAND_bytes(bytes.data(), bytes.size()) == 1, "no random bytes");
  return base64(bytes);
}

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<std::uint8_t, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), digest.data());
  return base64(digest);
}

}  // namespace sluice::worker
