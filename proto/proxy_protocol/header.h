// The PROXY protocol, versions 1 and 2: the few bytes in front of a connection with which a load balancer says who its
// client is (the specification is HAProxy's doc/proxy-protocol.txt; sections are those of its chapter 2).
//
// The idea: bytes in, one verdict out. A receiver that expects a header must get one, whole and correct; nothing is
// guessed and nothing is repaired, because what stands there is believed afterwards. Both versions are bounded, so is
// the wait for them (by the caller). Sans I/O; whether the sender is to be trusted is the caller's question too.
#pragma once
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/net/address.h"

namespace sluice::proxy_protocol {

enum class Version : std::uint8_t { kV1, kV2 };

/// The longest line of version 1, CRLF included (section 2.1).
inline constexpr std::size_t kMaxV1 = 107;
/// The longest header of version 2 that is taken: addresses and a generous amount of TLVs.
inline constexpr std::size_t kMaxV2 = 2048;
/// More bytes than this are never needed to come to a verdict.
inline constexpr std::size_t kMaxHeader = kMaxV2;

/// A type-length-value of version 2 (section 2.2).
enum class TlvType : std::uint8_t {
  kAlpn = 0x01,
  kAuthority = 0x02,
  kCrc32c = 0x03,
  kNoop = 0x04,
  kUniqueId = 0x05,
  kSsl = 0x20,
  kNetns = 0x30,
};

struct Addresses {
  SocketAddress source;
  SocketAddress destination;
};

struct Header {
  Version version = Version::kV1;
  /// Absent for LOCAL, UNKNOWN and UNSPEC: the connection's own addresses hold. UNIX addresses are taken as unnamed.
  std::optional<Addresses> addresses;
  /// Well-formed TLVs; checked, not copied. Lifetime: the bytes that were parsed.
  std::string_view tlvs;

  /// The value of the first TLV of a type.
  [[nodiscard]] std::optional<std::string_view> tlv(TlvType type) const;
};

enum class Fault : std::uint8_t {
  kNoHeader,   ///< neither version's beginning
  kTooLong,    ///< beyond kMaxV1 or kMaxV2
  kMalformed,  ///< not as the specification says
  kUnknown,    ///< a version, command, family or transport that is not defined, or makes no sense on a stream
  kChecksum,   ///< the CRC-32C does not fit
};
[[nodiscard]] std::string_view name(Fault fault);

/// Reads a header from the beginning of a connection. 0: it is correct so far and needs more bytes; otherwise its size,
/// and `into` is filled. Never looks at, and never wants, a byte behind the header.
[[nodiscard]] std::expected<std::size_t, Fault> parse(std::string_view bytes, Header& into);

/// The header that tells `addresses` to an origin. Addresses of two families are both written as IPv6; without any
/// (or with UNIX sockets) version 1 says UNKNOWN and version 2 UNSPEC.
[[nodiscard]] std::string write(Version version, const std::optional<Addresses>& addresses);

}  // namespace sluice::proxy_protocol
