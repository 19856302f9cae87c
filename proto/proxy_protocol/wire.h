// The layout of the PROXY protocol on the wire, for reader and writer.
//
//   v1   "PROXY" SP "TCP4"|"TCP6" SP source SP destination SP source port SP destination port CRLF   (or "UNKNOWN" …)
//   v2   12 bytes signature | version 4 bits, command 4 bits | family 4 bits, transport 4 bits | length u16 | addresses
//        | TLVs: type u8, length u16, value
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::proxy_protocol {

inline constexpr std::string_view kV1Begin = "PROXY ";
inline constexpr std::string_view kV2Begin{"\r\n\r\n\0\r\nQUIT\n", 12};
inline constexpr std::size_t kV2Version = 12;
inline constexpr std::size_t kV2Family = 13;
inline constexpr std::size_t kV2Length = 14;
inline constexpr std::size_t kV2Head = 16;
inline constexpr std::size_t kTlvHead = 3;
inline constexpr std::size_t kUnixPath = 108;
inline constexpr std::uint8_t kCommandLocal = 0;
inline constexpr std::uint8_t kCommandProxy = 1;

enum class Family : std::uint8_t { kUnspecified = 0x00, kTcp4 = 0x11, kTcp6 = 0x21, kUnixStream = 0x31 };

/// CRC-32C (RFC 3720 appendix B.4).
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes);

}  // namespace sluice::proxy_protocol
