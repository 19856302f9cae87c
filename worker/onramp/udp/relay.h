// Relay: how workers of a tenant pass datagrams on to each other where the kernel cannot find the generation of a flow.
//
// Every worker has an inbox, a SEQPACKET socket that the supervisor made and gave the others the sending end of. One
// packet is a header and, behind it, a datagram or a list of flows:
//
//   datagram   this belongs to you
//   claims     these flows belong to that worker: pass on what comes of them
//   handed     from now on you read this socket; what I know of its flows has come before
//   release    that worker has no flows any more: what comes of them is yours
//   released   nothing more comes from me
//
// Fellow workers are trusted as far as the network is: what they say may be about addresses that anybody can forge, so
// it is checked for its form and its size, nothing more. Owned by Datagrams.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "worker/onramp/udp/flow_table.h"

namespace sluice::worker {

struct WorkerId {
  std::uint64_t generation = 0;
  std::uint32_t worker = 0;
  bool operator==(const WorkerId&) const = default;
};

class Relay {
 public:
  enum class Kind : std::uint8_t { kDatagram, kClaims, kHanded, kRelease, kReleased };
  struct Header {
    Kind kind = Kind::kDatagram;
    std::uint32_t socket = 0;
    WorkerId about;   ///< claims, release, released
    DatagramKey key;  ///< datagram
  };
  struct Claim {
    DatagramKey key;
    std::int64_t last_seen = 0;  ///< on the clock that all processes of a machine share
  };
  static constexpr std::size_t kMostClaims = 512;

  explicit Relay(WorkerId self) : self_(self) {}
  Relay(Relay&&) = delete;

  [[nodiscard]] const WorkerId& self() const { return self_; }
  void set_inbox(Fd inbox) { inbox_ = std::move(inbox); }
  /// -1 before set_inbox().
  [[nodiscard]] int inbox() const { return inbox_.get(); }
  /// The number under which flows name it; the same for one that comes again.
  FlowOwner add_peer(WorkerId id, Fd outbox);
  /// kOurs for ourselves; nothing for one that we do not know.
  [[nodiscard]] std::optional<FlowOwner> owner_of(WorkerId id) const;
  [[nodiscard]] WorkerId id_of(FlowOwner owner) const { return owner == kOurs ? self_ : peers_.at(owner - 1).id; }
  /// It says that it leaves.
  void forget(FlowOwner owner) { peers_.at(owner - 1).outbox.reset(); }
  /// Those that are not known to have ended.
  [[nodiscard]] std::vector<FlowOwner> living() const;

  enum class Sent : std::uint8_t { kYes, kFull, kGone };
  /// kGone: it has ended, and is not tried again.
  Sent send(FlowOwner to, const Header& header, std::span<const char> payload);

  struct Packet {
    Header header;
    std::span<const char> payload;  ///< Lifetime: until the next receive()
  };
  /// The next packet of the inbox; nothing when none waits. What makes no sense is skipped.
  [[nodiscard]] std::optional<Packet> receive();
  [[nodiscard]] static std::vector<Claim> claims_in(std::span<const char> payload);

 private:
  struct Peer {
    WorkerId id;
    Fd outbox;  // empty: gone
  };
  WorkerId self_;
  Fd inbox_;
  std::vector<Peer> peers_;
  std::unique_ptr<std::string> buffer_;
};

}  // namespace sluice::worker
