// What kind of place an IP address is: the IANA special-purpose registries (RFC 6890 and what has been added since) and
// the addresses at which clouds hand out credentials, as one table per family.
//
// The idea: the first row that matches decides, so the narrow rows stand above the wide ones. What no row names is
// public; for IPv6 only 2000::/3 is handed out, everything else is refused as reserved. Addresses that carry an IPv4
// address inside are unwrapped by embedded_v4s(): a policy asks about the outside and about each of the insides. All of
// it is constexpr and has no opinion on what is allowed: that is egress_policy.h.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "base/net/address.h"

namespace sluice::worker {

enum class AddressClass : std::uint8_t {
  kPublic,
  kUnspecified,    ///< 0.0.0.0 and ::, which Linux takes for loopback
  kLoopback,       ///< 127.0.0.0/8, ::1
  kPrivate,        ///< RFC 1918, and site-local fec0::/10
  kUniqueLocal,    ///< fc00::/7, RFC 4193
  kShared,         ///< 100.64.0.0/10, RFC 6598: behind a carrier's NAT
  kLinkLocal,      ///< 169.254.0.0/16, fe80::/10
  kMetadata,       ///< where a cloud gives its machines credentials
  kMulticast,      ///< 224.0.0.0/4, ff00::/8
  kBroadcast,      ///< 255.255.255.255
  kDocumentation,  ///< never assigned to anybody
  kBenchmark,      ///< 198.18.0.0/15, 2001:2::/48
  kTranslated,     ///< 64:ff9b:1::/48, RFC 8215: leads wherever the local translator likes
  kReserved,       ///< everything else that is not a host on the internet
};

/// For messages and logs: "loopback", "link-local", …
[[nodiscard]] constexpr std::string_view name(AddressClass address_class) {
  constexpr std::array<std::string_view, 14> kNames = {
      "public",   "unspecified", "loopback",  "private",       "unique-local", "carrier-shared", "link-local",
      "metadata", "multicast",   "broadcast", "documentation", "benchmark",    "translated",     "reserved"};
  return kNames[static_cast<std::size_t>(address_class)];
}

namespace detail {

struct ClassRow {
  std::array<std::uint8_t, IpAddress::kV6Bytes> prefix;
  std::uint8_t bits;
  AddressClass address_class;
};

// clang-format off
inline constexpr std::array kV4Classes = {
    ClassRow{{0, 0, 0, 0},         32, AddressClass::kUnspecified},
    ClassRow{{0},                   8, AddressClass::kReserved},       // "this network", RFC 791
    ClassRow{{10},                  8, AddressClass::kPrivate},
    ClassRow{{100, 100, 100, 200}, 32, AddressClass::kMetadata},       // Alibaba
    ClassRow{{100, 64},            10, AddressClass::kShared},
    ClassRow{{127},                 8, AddressClass::kLoopback},
    ClassRow{{168, 63, 129, 16},   32, AddressClass::kMetadata},       // Azure
    ClassRow{{169, 254, 169, 253}, 32, AddressClass::kMetadata},       // AWS resolver
    ClassRow{{169, 254, 169, 254}, 32, AddressClass::kMetadata},       // AWS, Google, Azure, and most others
    ClassRow{{169, 254, 170, 2},   32, AddressClass::kMetadata},       // AWS containers
    ClassRow{{169, 254, 170, 23},  32, AddressClass::kMetadata},       // AWS pods
    ClassRow{{169, 254, 42, 42},   32, AddressClass::kMetadata},       // Scaleway
    ClassRow{{169, 254},           16, AddressClass::kLinkLocal},
    ClassRow{{172, 16},            12, AddressClass::kPrivate},
    ClassRow{{192, 0, 0, 192},     32, AddressClass::kMetadata},       // Oracle
    ClassRow{{192, 0, 0, 9},       32, AddressClass::kPublic},         // anycast, RFC 7723
    ClassRow{{192, 0, 0, 10},      32, AddressClass::kPublic},         // anycast, RFC 8155
    ClassRow{{192, 0, 0},          24, AddressClass::kReserved},
    ClassRow{{192, 0, 2},          24, AddressClass::kDocumentation},
    ClassRow{{192, 88, 99},        24, AddressClass::kReserved},       // 6to4 relays, RFC 7526
    ClassRow{{192, 168},           16, AddressClass::kPrivate},
    ClassRow{{198, 18},            15, AddressClass::kBenchmark},
    ClassRow{{198, 51, 100},       24, AddressClass::kDocumentation},
    ClassRow{{203, 0, 113},        24, AddressClass::kDocumentation},
    ClassRow{{224},                 4, AddressClass::kMulticast},
    ClassRow{{255, 255, 255, 255}, 32, AddressClass::kBroadcast},
    ClassRow{{240},                 4, AddressClass::kReserved},
};

inline constexpr std::array kV6Classes = {
    ClassRow{{},                                                             128, AddressClass::kUnspecified},
    ClassRow{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},               128, AddressClass::kLoopback},
    ClassRow{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff},                      96, AddressClass::kPublic},  // mapped: see inside
    ClassRow{{0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0},                96, AddressClass::kPublic},  // NAT64: see inside
    ClassRow{{0x00, 0x64, 0xff, 0x9b, 0, 1},                                  48, AddressClass::kTranslated},
    ClassRow{{0x20, 0x01, 0, 0},                                              32, AddressClass::kReserved},  // Teredo
    ClassRow{{0x20, 0x01, 0, 2, 0, 0},                                        48, AddressClass::kBenchmark},
    ClassRow{{0x20, 0x01, 0},                                                 23, AddressClass::kReserved},
    ClassRow{{0x20, 0x01, 0x0d, 0xb8},                                        32, AddressClass::kDocumentation},
    ClassRow{{0x20, 0x02},                                                    16, AddressClass::kReserved},  // 6to4, RFC 7526
    ClassRow{{0x3f, 0xff, 0x00},                                              20, AddressClass::kDocumentation},
    ClassRow{{0x20},                                                           3, AddressClass::kPublic},
    ClassRow{{0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}, 128, AddressClass::kMetadata},  // AWS
    ClassRow{{0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x53}, 128, AddressClass::kMetadata},  // AWS resolver
    ClassRow{{0xfd, 0, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x23},    128, AddressClass::kMetadata},  // AWS pods
    ClassRow{{0xfd, 0x20, 0, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}, 128, AddressClass::kMetadata},  // Google
    ClassRow{{0xfd, 0, 0, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x42},       128, AddressClass::kMetadata},  // Scaleway
    ClassRow{{0xfc},                                                           7, AddressClass::kUniqueLocal},
    ClassRow{{0xfe, 0x80},                                                    10, AddressClass::kLinkLocal},
    ClassRow{{0xfe, 0xc0},                                                    10, AddressClass::kPrivate},
    ClassRow{{0xff},                                                           8, AddressClass::kMulticast},
    ClassRow{{},                                                               0, AddressClass::kReserved},
};
// clang-format on

constexpr bool matches(std::span<const std::uint8_t> bytes, const ClassRow& row) {
  std::size_t bits = row.bits;
  for (std::size_t i = 0; bits > 0; ++i) {
    const std::size_t here = bits < 8 ? bits : 8;
    const auto mask = static_cast<std::uint8_t>(0xff00U >> here);
    if ((bytes[i] & mask) != (row.prefix[i] & mask)) return false;
    bits -= here;
  }
  return true;
}

constexpr bool all_zero(std::span<const std::uint8_t> bytes) {
  for (const std::uint8_t byte : bytes) {
    if (byte != 0) return false;
  }
  return true;
}

}  // namespace detail

/// Of the address as it stands; what is embedded in it is a question of its own.
[[nodiscard]] constexpr AddressClass classify(const IpAddress& address) {
  const std::span<const detail::ClassRow> rows =
      address.is_v4() ? std::span<const detail::ClassRow>(detail::kV4Classes) : detail::kV6Classes;
  for (const detail::ClassRow& row : rows) {
    if (detail::matches(address.bytes(), row)) return row.address_class;
  }
  return AddressClass::kPublic;
}

namespace detail {

constexpr bool starts_with(std::span<const std::uint8_t> bytes, std::initializer_list<std::uint8_t> prefix) {
  for (std::size_t i = 0; i < prefix.size(); ++i) {
    if (bytes[i] != prefix.begin()[i]) return false;
  }
  return true;
}

// Forms whose last four bytes are the IPv4 address.
constexpr bool ends_in_v4(std::span<const std::uint8_t> b) {
  if (all_zero(b.first(12))) return !(b[12] == 0 && b[13] == 0 && b[14] == 0 && b[15] < 2);  // :: and ::1 are none
  if (all_zero(b.first(8)))
    return starts_with(b.subspan(8), {0, 0, 0xff, 0xff}) || starts_with(b.subspan(8), {0xff, 0xff, 0, 0});
  if (starts_with(b, {0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) return true;
  // ISATAP's interface identifier, with and without its "universal" bit
  return (b[8] & 0xfdU) == 0 && starts_with(b.subspan(9), {0, 0x5e, 0xfe});
}

// RFC 6052 section 2.2: where the IPv4 address sits depends on the length of the translator's prefix, which is not ours
// to know; a shorter prefix shows in the zeros at the end.
constexpr std::array<std::uint8_t, 4> behind_local_nat64(std::span<const std::uint8_t> b) {
  if (all_zero(b.subspan(11))) return {b[6], b[7], b[9], b[10]};
  if (all_zero(b.subspan(12))) return {b[7], b[9], b[10], b[11]};
  if (b[8] == 0 && all_zero(b.subspan(13))) return {b[9], b[10], b[11], b[12]};
  return {b[12], b[13], b[14], b[15]};
}

}  // namespace detail

/// Up to two IPv4 addresses that packets to an IPv6 address may end at.
struct EmbeddedV4s {
  std::array<IpAddress, 2> addresses{};
  std::size_t count = 0;

  [[nodiscard]] constexpr std::span<const IpAddress> all() const { return std::span(addresses).first(count); }
};

/// Mapped, compatible and translated forms (RFC 4291, 2765), NAT64 (RFC 6052 and 8215), 6to4 (RFC 3056), Teredo (RFC
/// 4380: the server and the client), ISATAP (RFC 5214). Empty for IPv4 and for everything else.
[[nodiscard]] constexpr EmbeddedV4s embedded_v4s(const IpAddress& address) {
  EmbeddedV4s found;
  if (address.is_v4()) return found;
  const std::span<const std::uint8_t> b = address.bytes();
  const auto add = [&](std::array<std::uint8_t, 4> bytes) { found.addresses[found.count++] = IpAddress(bytes); };
  if (detail::starts_with(b, {0x00, 0x64, 0xff, 0x9b, 0, 1})) {
    add(detail::behind_local_nat64(b));
  } else if (detail::starts_with(b, {0x20, 0x02})) {
    add({b[2], b[3], b[4], b[5]});
  } else if (detail::starts_with(b, {0x20, 0x01, 0, 0})) {
    const auto flip = [](std::uint8_t byte) { return static_cast<std::uint8_t>(byte ^ 0xffU); };
    add({b[4], b[5], b[6], b[7]});
    add({flip(b[12]), flip(b[13]), flip(b[14]), flip(b[15])});
  } else if (detail::ends_in_v4(b)) {
    add({b[12], b[13], b[14], b[15]});
  }
  return found;
}

}  // namespace sluice::worker
