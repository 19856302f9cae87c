// See address.h. inet_pton is strict where inet_aton is not: no octal, no hexadecimal, no missing parts.
#include "base/net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#include "base/ascii.h"
#include "base/check.h"

namespace sluice {
namespace {

std::unexpected<Error> bad(std::string_view text, std::string_view what) {
  // the text comes from a file or from a peer: bounded before it goes into a message
  constexpr std::size_t kShown = 128;
  return fail(Code::kBadSyntax, "\"" + std::string(text.substr(0, kShown)) + "\" " + std::string(what));
}

bool starts_with(std::span<const std::uint8_t> bytes, std::initializer_list<std::uint8_t> prefix) {
  return bytes.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

IpAddress v4_at(std::span<const std::uint8_t> bytes, std::size_t offset) {
  std::array<std::uint8_t, IpAddress::kV4Bytes> four{};
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), four.size(), four.begin());
  return IpAddress(four);
}

bool is_label(std::string_view label) {
  constexpr std::size_t kMaxLabel = 63;
  if (label.empty() || label.size() > kMaxLabel || label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(label, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

// "host:port" or "[v6]:port" into its two halves; the host without brackets.
struct Halves {
  std::string_view host;
  std::string_view port;
  bool bracketed = false;
};
std::optional<Halves> split(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  Halves halves{.host = text.substr(0, colon), .port = text.substr(colon + 1)};
  if (halves.host.size() >= 2 && halves.host.front() == '[' && halves.host.back() == ']') {
    halves.host = halves.host.substr(1, halves.host.size() - 2);
    halves.bracketed = true;
  }
  if (halves.host.empty() || (!halves.bracketed && halves.host.contains(':'))) return std::nullopt;
  return halves;
}

}  // namespace

Result<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN + 1> zero_ended{};
  if (text.empty() || text.size() >= zero_ended.size() || text.contains('\0')) return bad(text, "is not an IP address");
  std::ranges::copy(text, zero_ended.begin());
  std::array<std::uint8_t, kV4Bytes> four{};
  if (::inet_pton(AF_INET, zero_ended.data(), four.data()) == 1) return IpAddress(four);
  std::array<std::uint8_t, kV6Bytes> sixteen{};
  if (::inet_pton(AF_INET6, zero_ended.data(), sixteen.data()) == 1) return IpAddress(sixteen);
  return bad(text, "is not an IP address");
}

bool IpAddress::is_unspecified() const {
  return std::ranges::all_of(bytes(), [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_loopback() const {
  const IpAddress plain = unmapped();
  if (plain.is_v4()) return plain.bytes_[0] == 127;
  return starts_with(bytes(), {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
}

IpAddress IpAddress::unmapped() const {
  if (is_v6() && starts_with(bytes(), {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})) return v4_at(bytes(), 12);
  return *this;
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> out{};
  const char* end = ::inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), out.data(), out.size());
  SLUICE_CHECK(end != nullptr, "INET6_ADDRSTRLEN bytes hold every address");
  return out.data();
}

const sockaddr* RawAddress::get() const {
  return reinterpret_cast<const sockaddr*>(&storage);
}
sockaddr* RawAddress::get() {
  return reinterpret_cast<sockaddr*>(&storage);
}

SocketAddress SocketAddress::unix_path(std::string path) {
  SLUICE_CHECK(path.size() <= kMaxPath && !path.contains('\0'), "checked where the path came from");
  SocketAddress address;
  address.unix_ = true;
  if (!path.empty()) address.path_ = std::make_shared<const std::string>(std::move(path));
  return address;
}

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) {
    const std::string_view path = text.substr(kUnix.size());
    if (path.starts_with('@')) return bad(text, "is an abstract UNIX socket, which has no permissions: give it a path");
    if (!path.starts_with('/')) return bad(text, "is not an absolute path");
    if (path.contains('\0')) return bad(text, "has a zero byte in the path");
    if (path.size() > kMaxPath) return bad(text, "is too long: a UNIX socket's path has at most 107 bytes");
    return unix_path(std::string(path));
  }
  const std::optional<Halves> halves = split(text);
  if (!halves) return bad(text, "is not \"ADDRESS:PORT\", \"[IPv6]:PORT\" or \"unix:/path\"");
  const Result<IpAddress> ip = IpAddress::parse(halves->host);
  if (!ip) return bad(text, "does not begin with an IP address");
  if (ip->is_v6() != halves->bracketed) return bad(text, "wants brackets around an IPv6 address, and only there");
  const std::optional<std::uint16_t> port = parse_port(halves->port);
  if (!port) return bad(text, "does not end with a port between 0 and 65535");
  return SocketAddress(*ip, *port);
}

Result<SocketAddress> SocketAddress::from_raw(const RawAddress& raw) {
  if (raw.size < sizeof(sa_family_t)) return fail(Code::kBadSyntax, "socket address without a family");
  switch (raw.family()) {
    case AF_INET: {
      if (raw.size < sizeof(sockaddr_in)) return fail(Code::kBadSyntax, "short IPv4 socket address");
      const auto& in = reinterpret_cast<const sockaddr_in&>(raw.storage);
      const auto bytes = std::bit_cast<std::array<std::uint8_t, IpAddress::kV4Bytes>>(in.sin_addr);
      return SocketAddress(IpAddress(bytes), ntohs(in.sin_port));
    }
    case AF_INET6: {
      if (raw.size < sizeof(sockaddr_in6)) return fail(Code::kBadSyntax, "short IPv6 socket address");
      const auto& in6 = reinterpret_cast<const sockaddr_in6&>(raw.storage);
      const auto bytes = std::bit_cast<std::array<std::uint8_t, IpAddress::kV6Bytes>>(in6.sin6_addr);
      SocketAddress address(IpAddress(bytes), ntohs(in6.sin6_port));
      address.scope_ = in6.sin6_scope_id;
      return address;
    }
    case AF_UNIX: {
      const auto& un = reinterpret_cast<const sockaddr_un&>(raw.storage);
      const std::size_t size = std::min<std::size_t>(raw.size, sizeof(sockaddr_un));
      const std::size_t room = size > offsetof(sockaddr_un, sun_path) ? size - offsetof(sockaddr_un, sun_path) : 0;
      const std::string_view path(un.sun_path, ::strnlen(un.sun_path, std::min(room, kMaxPath)));
      return unix_path(std::string(path));
    }
    default:
      return fail(Code::kUnsupported, "address family " + std::to_string(raw.family()));
  }
}

RawAddress SocketAddress::raw() const {
  RawAddress raw;
  if (unix_) {
    auto& un = reinterpret_cast<sockaddr_un&>(raw.storage);
    un.sun_family = AF_UNIX;
    std::ranges::copy(path(), un.sun_path);
    raw.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + (path().empty() ? 0 : path().size() + 1));
  } else if (ip_.is_v4()) {
    auto& in = reinterpret_cast<sockaddr_in&>(raw.storage);
    in.sin_family = AF_INET;
    in.sin_port = htons(port_);
    std::memcpy(&in.sin_addr, ip_.bytes().data(), IpAddress::kV4Bytes);
    raw.size = sizeof(sockaddr_in);
  } else {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(raw.storage);
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(port_);
    in6.sin6_scope_id = scope_;
    std::memcpy(&in6.sin6_addr, ip_.bytes().data(), IpAddress::kV6Bytes);
    raw.size = sizeof(sockaddr_in6);
  }
  return raw;
}

std::string SocketAddress::text() const {
  if (unix_) return "unix:" + std::string(path());
  return HostPort{.host = ip_.text(), .port = port_}.text();
}

Result<HostPort> HostPort::parse(std::string_view text) {
  const std::optional<Halves> halves = split(text);
  if (!halves) return bad(text, "is not \"HOST:PORT\" or \"[IPv6]:PORT\"");
  const Result<IpAddress> ip = IpAddress::parse(halves->host);
  if (halves->bracketed && (!ip || ip->is_v4()))
    return bad(text, "has something other than an IPv6 address in brackets");
  if (!ip && !is_host_name(halves->host)) return bad(text, "does not begin with a host name or an IP address");
  const std::optional<std::uint16_t> port = parse_port(halves->port);
  if (!port || *port == 0) return bad(text, "does not end with a port between 1 and 65535");
  HostPort result{.host = ip ? ip->text() : std::string(halves->host), .port = *port};
  std::ranges::transform(result.host, result.host.begin(), to_lower);
  return result;
}

std::string HostPort::text() const {
  return (host.contains(':') ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool is_host_name(std::string_view text) {
  constexpr std::size_t kMaxName = 253;
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > kMaxName) return false;
  std::string_view rest = text;
  std::string_view label;
  while (true) {
    const std::size_t dot = rest.find('.');
    label = rest.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  // a name whose last label is a number would be read as an IPv4 address by somebody (WHATWG URL "ends in a number")
  const bool hexadecimal = label.starts_with("0x") || label.starts_with("0X");
  return !hexadecimal && !std::ranges::all_of(label, [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  constexpr std::uint32_t kMaxPort = 65535;
  if (text.empty() || text.size() > 5) return std::nullopt;
  std::uint32_t port = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    port = port * 10 + static_cast<std::uint32_t>(c - '0');
  }
  if (port > kMaxPort) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

}  // namespace sluice
