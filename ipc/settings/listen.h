// What `listen` says: an address, and whether an IPv6 socket takes IPv4 as well.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/net/address.h"

namespace sluice::ipc {

struct ListenAddress {
  enum class Stack : std::uint8_t {
    kSingle,  ///< IPV6_V6ONLY for an IPv6 address
    kDual,    ///< an IPv6 socket that takes IPv4 clients as ::ffff:a.b.c.d
  };
  SocketAddress address;
  Stack stack = Stack::kSingle;

  /// "127.0.0.1:8080", "[::1]:8080", "dual:[::]:8080", "unix:/path". Errors: kBadSyntax.
  [[nodiscard]] static Result<ListenAddress> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
  auto operator<=>(const ListenAddress&) const = default;
};

}  // namespace sluice::ipc
