// See header.h: writing.
#include <array>
#include <optional>
#include <string>

#include "proto/proxy_protocol/header.h"
#include "proto/proxy_protocol/wire.h"

namespace sluice::proxy_protocol {
namespace {

// ::ffff:a.b.c.d, for a pair in which only the other one is IPv6
IpAddress as_v6(const IpAddress& ip) {
  if (ip.is_v6()) return ip;
  std::array<std::uint8_t, IpAddress::kV6Bytes> bytes{};
  bytes[10] = bytes[11] = 0xff;
  for (std::size_t i = 0; i < IpAddress::kV4Bytes; ++i) bytes.at(12 + i) = ip.bytes()[i];
  return IpAddress(bytes);
}

std::string write_v1(const std::optional<Addresses>& told) {
  std::string line(kV1Begin);
  if (!told) return line + "UNKNOWN\r\n";
  const auto& [source, destination] = *told;
  line += source.ip().is_v4() ? "TCP4 " : "TCP6 ";
  line += source.ip().text() + ' ' + destination.ip().text() + ' ';
  return line + std::to_string(source.port()) + ' ' + std::to_string(destination.port()) + "\r\n";
}

void put(std::string& to, std::uint8_t byte) {
  to += static_cast<char>(byte);
}
void put16(std::string& to, std::size_t value) {
  put(to, static_cast<std::uint8_t>(value >> 8U));
  put(to, static_cast<std::uint8_t>(value));
}

std::string write_v2(const std::optional<Addresses>& told) {
  std::string header(kV2Begin);
  put(header, 2U << 4U | kCommandProxy);
  if (!told) {
    put(header, static_cast<std::uint8_t>(Family::kUnspecified));
    put16(header, 0);
    return header;
  }
  const auto& [source, destination] = *told;
  put(header, static_cast<std::uint8_t>(source.ip().is_v4() ? Family::kTcp4 : Family::kTcp6));
  put16(header, 2 * source.ip().bytes().size() + 4);
  for (const SocketAddress* address : {&source, &destination})
    for (const std::uint8_t byte : address->ip().bytes()) put(header, byte);
  put16(header, source.port());
  put16(header, destination.port());
  return header;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  constexpr std::uint32_t kPolynomial = 0x82f6'3b78;
  std::uint32_t sum = 0xffff'ffff;
  for (const char c : bytes) {
    sum ^= static_cast<std::uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1U) ^ ((sum & 1U) != 0 ? kPolynomial : 0);
  }
  return ~sum;
}

std::string write(Version version, const std::optional<Addresses>& addresses) {
  std::optional<Addresses> told;
  if (addresses && addresses->source.is_ip() && addresses->destination.is_ip()) {
    // an IPv4 client of an IPv6 socket is an IPv4 client
    IpAddress source = addresses->source.ip().unmapped();
    IpAddress destination = addresses->destination.ip().unmapped();
    if (source.is_v4() != destination.is_v4()) {
      source = as_v6(source);
      destination = as_v6(destination);
    }
    told = Addresses{.source = SocketAddress(source, addresses->source.port()),
                     .destination = SocketAddress(destination, addresses->destination.port())};
  }
  return version == Version::kV1 ? write_v1(told) : write_v2(told);
}

}  // namespace sluice::proxy_protocol
