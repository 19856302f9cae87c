// Addresses as values: IpAddress (IPv4 or IPv6) and SocketAddress (IP and port, or the path of a UNIX socket).
//
// Text becomes an address in exactly one way: dotted quad without leading zeros, RFC 4291 text for IPv6, no names, no
// zones, no "0x7f.1". Whoever compares an address with a policy calls unmapped() first, or uses Network
// (base/net/cidr.h), which does: ::ffff:10.0.0.1 is 10.0.0.1 on the wire. Values: they copy, compare and order freely.
// No system calls here.
#pragma once
#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "base/result.h"

namespace sluice {

class IpAddress {
 public:
  enum class Family : std::uint8_t { kV4, kV6 };
  static constexpr std::size_t kV4Bytes = 4;
  static constexpr std::size_t kV6Bytes = 16;

  /// 0.0.0.0
  constexpr IpAddress() = default;
  /// Bytes in network order.
  constexpr explicit IpAddress(std::array<std::uint8_t, kV4Bytes> bytes) {
    for (std::size_t i = 0; i < kV4Bytes; ++i) bytes_[i] = bytes[i];
  }
  constexpr explicit IpAddress(std::array<std::uint8_t, kV6Bytes> bytes) : family_(Family::kV6), bytes_(bytes) {}

  /// "192.0.2.1", "2001:db8::1"; no brackets, no zone. Errors: kBadSyntax, with the text in the message.
  [[nodiscard]] static Result<IpAddress> parse(std::string_view text);

  [[nodiscard]] constexpr Family family() const { return family_; }
  [[nodiscard]] constexpr bool is_v4() const { return family_ == Family::kV4; }
  [[nodiscard]] constexpr bool is_v6() const { return family_ == Family::kV6; }
  /// Network order; 4 or 16 of them. Lifetime: as long as the address.
  [[nodiscard]] constexpr std::span<const std::uint8_t> bytes() const {
    return {bytes_.data(), is_v4() ? kV4Bytes : kV6Bytes};
  }
  [[nodiscard]] bool is_unspecified() const;
  [[nodiscard]] bool is_loopback() const;
  /// ::ffff:a.b.c.d as a.b.c.d (RFC 4291 2.5.5.2), anything else as it is.
  [[nodiscard]] IpAddress unmapped() const;
  /// RFC 5952 text.
  [[nodiscard]] std::string text() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  Family family_ = Family::kV4;
  std::array<std::uint8_t, kV6Bytes> bytes_{};
};

/// What bind, connect and accept want: storage and the length used of it.
struct RawAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  [[nodiscard]] const sockaddr* get() const;
  [[nodiscard]] sockaddr* get();
  [[nodiscard]] int family() const { return storage.ss_family; }
};

class SocketAddress {
 public:
  /// sun_path without its closing zero.
  static constexpr std::size_t kMaxPath = 107;

  /// 0.0.0.0:0
  SocketAddress() = default;
  SocketAddress(IpAddress ip, std::uint16_t port) : ip_(ip), port_(port) {}
  /// A UNIX socket; an empty path is an unnamed one (the usual client end). The path has been checked by parse().
  static SocketAddress unix_path(std::string path);

  /// "192.0.2.1:80", "[2001:db8::1]:80", "unix:/run/app.sock". Paths are absolute, at most kMaxPath bytes and never
  /// abstract. Errors: kBadSyntax.
  [[nodiscard]] static Result<SocketAddress> parse(std::string_view text);
  /// From accept, getsockname, getpeername. An abstract UNIX name becomes an unnamed address. Errors: kUnsupported for
  /// another family, kBadSyntax for a short one.
  [[nodiscard]] static Result<SocketAddress> from_raw(const RawAddress& raw);

  [[nodiscard]] bool is_unix() const { return unix_; }
  [[nodiscard]] bool is_ip() const { return !unix_; }
  /// 0.0.0.0 for a UNIX socket.
  [[nodiscard]] const IpAddress& ip() const { return ip_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string_view path() const { return path_ == nullptr ? std::string_view() : *path_; }
  [[nodiscard]] RawAddress raw() const;
  /// The form that parse() reads; "unix:" alone for an unnamed socket.
  [[nodiscard]] std::string text() const;

  friend std::strong_ordering operator<=>(const SocketAddress& a, const SocketAddress& b) {
    return std::tuple(a.ip_, a.port_, a.unix_, a.scope_, a.path()) <=>
           std::tuple(b.ip_, b.port_, b.unix_, b.scope_, b.path());
  }
  friend bool operator==(const SocketAddress& a, const SocketAddress& b) { return (a <=> b) == 0; }

 private:
  // each idle connection has one of these, so they are packed, and only who has a path pays for it
  IpAddress ip_;
  bool unix_ = false;
  std::uint16_t port_ = 0;
  std::uint32_t scope_ = 0;                  // interface of a link-local peer: from from_raw() to raw(), never shown
  std::shared_ptr<const std::string> path_;  // null: none
};

/// A place to connect to, by name or address; the host without brackets, in lower case.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;

  /// "origin.example:80", "192.0.2.1:80", "[2001:db8::1]:80"; the port is required and not 0. Errors: kBadSyntax.
  [[nodiscard]] static Result<HostPort> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  auto operator<=>(const HostPort&) const = default;
};

/// Is this a host name: letters, digits, hyphens (and underscores, which live in the wild), labels of 1 to 63 bytes, at
/// most 253 in all, one closing dot allowed, and not something that looks like a broken IPv4 address ("127.1")?
[[nodiscard]] bool is_host_name(std::string_view text);

/// A decimal port, digits only, 0 to 65535.
[[nodiscard]] std::optional<std::uint16_t> parse_port(std::string_view text);

}  // namespace sluice
