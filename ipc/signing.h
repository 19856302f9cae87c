// What a worker and the keyholder say to each other: the worker asks for signatures with keys that it never sees, the
// keyholder answers. Both in batches, one packet each, over the SEQPACKET pair that the supervisor made for the two
// (ipc/channel.h): whose keys may be used is a matter of the pair, not of what is said over it.
//
// A key is known by the SHA-256 of its SubjectPublicKeyInfo, which whoever has the certificate can tell. On the wire:
// u16 version, a list, as ipc/codec.h has it. Values; no I/O here.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sluice::ipc {

struct SignRequest {
  static constexpr std::size_t kKeyBytes = 32;
  /// TLS 1.3 signs 64 spaces, a name and a hash, TLS 1.2 two random numbers and a key share: both far less.
  static constexpr std::size_t kMostInput = 1024;

  std::uint64_t number = 0;     ///< the worker's, for the answer
  std::string key;              ///< SHA-256 of the SubjectPublicKeyInfo
  std::uint16_t algorithm = 0;  ///< SignatureScheme (RFC 8446 section 4.2.3)
  std::string input;            ///< not hashed yet

  static void fields(auto& self, auto& codec) {
    codec.u64(self.number);
    codec.data(self.key, kKeyBytes);
    codec.u16(self.algorithm);
    codec.data(self.input, kMostInput);
  }
};

enum class Signing : std::uint8_t {
  kDone,
  kUnknownKey,  ///< the tenant has no such key
  kRefused,     ///< the key cannot do this
};
[[nodiscard]] std::string_view name(Signing signing);

struct SignAnswer {
  static constexpr std::size_t kMostSignature = 1024;  // RSA with 8192 bits

  std::uint64_t number = 0;
  Signing came_to = Signing::kDone;
  std::string signature;

  static void fields(auto& self, auto& codec) {
    codec.u64(self.number);
    codec.choice(self.came_to, Signing::kRefused);
    codec.data(self.signature, kMostSignature);
  }
};

/// In one packet: so many signatures, one after the other, is what another worker may have to wait for.
inline constexpr std::size_t kMostSignatures = 32;

/// At most kMostSignatures. Errors: kProtocol when a field breaks its bound.
[[nodiscard]] Result<std::string> encode(const std::vector<SignRequest>& requests);
[[nodiscard]] Result<std::string> encode(const std::vector<SignAnswer>& answers);
/// Errors: kProtocol.
[[nodiscard]] Result<std::vector<SignRequest>> decode_requests(std::string_view packet);
[[nodiscard]] Result<std::vector<SignAnswer>> decode_answers(std::string_view packet);

}  // namespace sluice::ipc
