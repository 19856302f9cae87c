// EgressPolicy: may we connect to this very address? Asked with the address that goes into connect(2), after name
// resolution, right before each attempt (dial.h), so that no name can be checked as one address and connected to as
// another (server-side request forgery by rebinding).
//
// Order, the first that speaks decides: 1 a port in deny_ports, or none of allow_ports when that is not empty: refused;
// 2 a network in `deny`: refused; 3 a network in `allow`: permitted; 4 the class of the address (address_class.h):
// public is permitted; private, unique-local and loopback as allow_private says; all others are refused. An IPv6
// address that carries IPv4 addresses must pass 2 to 4 itself and with each of those. No I/O; one per tenant,
// immutable.
#pragma once
#include <cstdint>
#include <vector>

#include "base/net/address.h"
#include "base/net/cidr.h"
#include "base/result.h"

namespace sluice::worker {

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  [[nodiscard]] constexpr bool contains(std::uint16_t port) const { return port >= first && port <= last; }
};

/// RFC 1918, RFC 4193 and loopback; never link-local, metadata or carrier-shared: those need an entry in `allow`.
enum class PrivateRanges : std::uint8_t { kRefused, kAllowed };

struct EgressRules {
  Networks deny;
  Networks allow;
  PrivateRanges private_ranges = PrivateRanges::kRefused;
  std::vector<PortRange> deny_ports;
  std::vector<PortRange> allow_ports;
};

class EgressPolicy {
 public:
  explicit EgressPolicy(EgressRules rules) : rules_(std::move(rules)) {}

  /// Errors: kDestinationForbidden, naming the address and the reason; never to be retried at the same address.
  [[nodiscard]] Result<> check(const SocketAddress& destination) const;
  /// Steps 1 and 2 only: what stays refused even when an application's hook has allowed the address.
  [[nodiscard]] Result<> check_denied(const SocketAddress& destination) const;

 private:
  template <class Check>
  [[nodiscard]] Result<> check_each(const SocketAddress& destination, Check check) const;
  [[nodiscard]] Result<> check_port(std::uint16_t port) const;
  /// `as_written` differs from `address` when that is embedded in it.
  [[nodiscard]] Result<> check_address(const IpAddress& address, const IpAddress& as_written) const;

  EgressRules rules_;
};

}  // namespace sluice::worker
