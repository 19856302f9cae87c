// Hand-over of live connections from a worker to one of another generation: what is said on the SEQPACKET channel
// between the two, which the supervisor makes and then has no part in.
//
//   old worker                          new worker
//   Offer {number, size} + descriptors ─▶
//   Piece, Piece, … (size bytes)       ─▶  reads the state, looks at the descriptors, makes the connection its own
//                                      ◀─ Taken {number}      from here on the new worker owns it
//                                      ◀─ Refused {number, why}   or the old one keeps it
//
// Exactly one of the two serves a connection at any time: the old worker touches it no more from the Offer on; the new
// one begins when the kernel has its Taken, not before. An old worker that waits no longer shuts the channel down: then
// no Taken can be sent any more, and those that were sent are still in the queue to be read.
//
// The two may be of different builds. The head of a packet and Offer, Taken and Refused never change; the state in the
// pieces has a version, and a new worker refuses one that it does not know. Both sides take the other for hostile:
// decoding is bounded and strict. No I/O here.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace sluice::restart {

/// Of MovedConnection, with all that is in it.
inline constexpr std::uint16_t kMovedVersion = 1;
inline constexpr std::size_t kMostState = std::size_t{1} << 20;
inline constexpr std::size_t kMostPiece = std::size_t{32} << 10;
/// The client's socket and, for a tunnel, the origin's.
inline constexpr std::size_t kMostDescriptors = 2;

struct Offer {
  std::uint64_t number = 0;  ///< of the old worker's choice; the answer has the same
  std::uint32_t size = 0;    ///< bytes of the pieces that follow
  std::uint16_t version = kMovedVersion;
};
struct Piece {
  std::string bytes;
};
struct Taken {
  std::uint64_t number = 0;
};
struct Refused {
  std::uint64_t number = 0;
  std::string why;
};
using Parcel = std::variant<Offer, Piece, Taken, Refused>;

/// The bytes of one packet. Errors: kTooLarge for a piece beyond kMostPiece.
[[nodiscard]] Result<std::string> encode(const Parcel& parcel);
/// Errors: kProtocol, with a sentence.
[[nodiscard]] Result<Parcel> decode_parcel(std::string_view packet);

/// A line of a message's head, for the access log.
struct MovedField {
  std::string name;
  std::string value;
  static void fields(auto& self, auto& codec) {
    codec.data(self.name, kMostText);
    codec.data(self.value, kMostText);
  }
  static constexpr std::size_t kMostText = std::size_t{64} << 10;
  static constexpr std::size_t kMost = 1024;
};

/// A tunnel: both sockets are plain, and what was read and not yet written goes with it.
struct MovedTunnel {
  static constexpr std::size_t kMostHeld = std::size_t{384} << 10;  ///< bytes held by one direction
  static constexpr std::size_t kMostText = std::size_t{16} << 10;

  std::string to_origin;      ///< read from the client, not yet written to the origin
  std::string to_client;      ///< the other way
  bool client_ended = false;  ///< and the origin has been told
  bool origin_ended = false;  ///< and the client has been told
  std::uint64_t bytes_to_origin = 0;
  std::uint64_t bytes_to_client = 0;
  std::uint64_t age_ns = 0;    ///< since it was opened
  std::uint64_t quiet_ns = 0;  ///< since the last byte either way

  // for the access log
  std::uint64_t request = 0;         ///< its number on the connection
  std::uint64_t request_age_ns = 0;  ///< since the first byte of the request
  std::uint64_t first_byte_ns = 0;
  std::uint64_t queued_ns = 0;
  std::uint64_t dial_ns = 0;
  std::uint16_t status = 0;
  std::uint8_t verdict = 0;
  bool origin_reused = false;
  std::string upstream;  ///< name of the group; empty when the client chose the origin
  std::string client;    ///< who a trusted proxy says the client is; empty when it is who has connected
  std::string user;
  std::string origin;  ///< address connected to
  std::string method;
  std::string scheme;
  std::string authority;
  std::string path;
  std::string version;
  std::string target;  ///< as `sluicectl connections` shows it
  std::vector<MovedField> request_fields;
  std::vector<MovedField> response_fields;

  static void fields(auto& self, auto& codec) {
    codec.data(self.to_origin, kMostHeld);
    codec.data(self.to_client, kMostHeld);
    codec.flag(self.client_ended);
    codec.flag(self.origin_ended);
    codec.u64(self.bytes_to_origin);
    codec.u64(self.bytes_to_client);
    codec.u64(self.age_ns);
    codec.u64(self.quiet_ns);
    codec.u64(self.request);
    codec.u64(self.request_age_ns);
    codec.u64(self.first_byte_ns);
    codec.u64(self.queued_ns);
    codec.u64(self.dial_ns);
    codec.u16(self.status);
    codec.u8(self.verdict);
    codec.flag(self.origin_reused);
    codec.data(self.upstream, kMostText);
    codec.data(self.client, kMostText);
    codec.data(self.user, kMostText);
    codec.data(self.origin, kMostText);
    codec.data(self.method, kMostText);
    codec.data(self.scheme, kMostText);
    codec.data(self.authority, kMostText);
    codec.data(self.path, MovedField::kMostText);
    codec.data(self.version, kMostText);
    codec.data(self.target, kMostText);
    codec.list(self.request_fields, MovedField::kMost);
    codec.list(self.response_fields, MovedField::kMost);
  }
};

/// A client connection, at rest between two requests or in a tunnel.
struct MovedConnection {
  static constexpr std::size_t kMostRead = std::size_t{256} << 10;
  static constexpr std::size_t kMostContext = std::size_t{64} << 10;
  static constexpr std::size_t kMostName = 256;

  std::uint64_t id = 0;     ///< stays the same wherever it goes
  std::string endpoint;     ///< by name: the new configuration may have others
  std::string peer;         ///< who has connected, as text
  std::string destination;  ///< where a load balancer says it wanted to; empty: nobody has said
  std::uint64_t started_unix_ms = 0;
  std::uint64_t age_ns = 0;
  std::uint64_t idle_ns = 0;  ///< since the end of the last request
  std::uint64_t requests = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::string read;                 ///< bytes of the next request that have been read
  std::string context;              ///< what the application gave along
  std::vector<MovedTunnel> tunnel;  ///< one, or none when it is between two requests

  [[nodiscard]] std::size_t descriptors() const { return 1 + tunnel.size(); }
  static void fields(auto& self, auto& codec) {
    codec.u64(self.id);
    codec.text(self.endpoint, kMostName);
    codec.text(self.peer, kMostName);
    codec.text(self.destination, kMostName);
    codec.u64(self.started_unix_ms);
    codec.u64(self.age_ns);
    codec.u64(self.idle_ns);
    codec.u64(self.requests);
    codec.u64(self.bytes_in);
    codec.u64(self.bytes_out);
    codec.data(self.read, kMostRead);
    codec.data(self.context, kMostContext);
    codec.list(self.tunnel, 1);
  }
};

/// The bytes of the pieces. Errors: kTooLarge when a bound is broken: such a connection cannot move.
[[nodiscard]] Result<std::string> encode_state(const MovedConnection& connection);
/// Errors: kProtocol, with a sentence.
[[nodiscard]] Result<MovedConnection> decode_state(std::string_view bytes);

}  // namespace sluice::restart
