// Tickets: seals TLS sessions for clients to keep, and opens what they bring back (RFC 5077; RFC 8446 section 4.6.1).
// The keys are the supervisor's (ipc::TicketKeys), the same in all workers of the tenant and in all generations.
//
// A ticket is the sealed session, a random nonce and the key's name: AES-256-GCM-SIV, which a nonce that comes twice
// does not undo. Owned by the worker; handshakes borrow it.
#pragma once
#include <openssl/aead.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ipc/messages.h"

namespace sluice::worker {

class Tickets {
 public:
  static constexpr std::size_t kOverhead = 16 + 12 + ipc::TicketKeys::kName;

  /// From now on these; sessions are sealed with the first.
  void set(ipc::TicketKeys keys);
  /// Without keys no client gets a ticket.
  [[nodiscard]] bool any() const { return !keys_.empty(); }
  /// Both: the number of bytes written; nothing when it does not fit, or is none of ours. `out` may begin where the
  /// other does.
  [[nodiscard]] std::optional<std::size_t> seal(std::span<std::uint8_t> out,
                                                std::span<const std::uint8_t> session) const;
  [[nodiscard]] std::optional<std::size_t> open(std::span<std::uint8_t> out,
                                                std::span<const std::uint8_t> ticket) const;

 private:
  struct Key {
    std::string name;
    bssl::ScopedEVP_AEAD_CTX context;
  };
  std::vector<std::unique_ptr<const Key>> keys_;
};

}  // namespace sluice::worker
