// See egress_policy.h.
#include "worker/offramp/egress_policy.h"

#include <algorithm>
#include <string>

#include "worker/offramp/address_class.h"

namespace sluice::worker {
namespace {

std::unexpected<Error> refuse(std::string why) {
  return fail(Error(Code::kDestinationForbidden, std::move(why)).from(Side::kUs).retry(Retry::kNo));
}

std::string shown(const IpAddress& address, const IpAddress& as_written) {
  return address == as_written ? address.text() : as_written.text() + " (leads to " + address.text() + ")";
}

}  // namespace

// Asks `check(address, as_written)` about the destination and about every IPv4 address that it carries.
template <class Check>
Result<> EgressPolicy::check_each(const SocketAddress& destination, Check check) const {
  if (destination.is_unix()) return refuse("UNIX sockets are not a destination");
  if (Result<> port = check_port(destination.port()); !port) return port;
  // a mapped address is nothing but another spelling: the kernel sends IPv4
  const IpAddress address = destination.ip().unmapped();
  if (Result<> outside = check(address, destination.ip()); !outside) return outside;
  const EmbeddedV4s embedded = embedded_v4s(address);
  for (const IpAddress& inside : embedded.all()) {
    if (Result<> checked = check(inside, address); !checked) return checked;
  }
  return {};
}

Result<> EgressPolicy::check(const SocketAddress& destination) const {
  return check_each(destination, [this](const IpAddress& address, const IpAddress& as_written) {
    return check_address(address, as_written);
  });
}

Result<> EgressPolicy::check_denied(const SocketAddress& destination) const {
  return check_each(destination, [&](const IpAddress& address, const IpAddress& /*as_written*/) -> Result<> {
    if (rules_.deny.contains(address)) return refuse(destination.ip().text() + " is in a denied network");
    return {};
  });
}

Result<> EgressPolicy::check_port(std::uint16_t port) const {
  const auto has_port = [port](const PortRange& range) { return range.contains(port); };
  if (port == 0) return refuse("port 0 is not a destination");
  if (std::ranges::any_of(rules_.deny_ports, has_port)) return refuse("port " + std::to_string(port) + " is denied");
  if (!rules_.allow_ports.empty() && std::ranges::none_of(rules_.allow_ports, has_port))
    return refuse("port " + std::to_string(port) + " is not among the allowed ones");
  return {};
}

Result<> EgressPolicy::check_address(const IpAddress& address, const IpAddress& as_written) const {
  if (rules_.deny.contains(address)) return refuse(shown(address, as_written) + " is in a denied network");
  if (rules_.allow.contains(address)) return {};
  const AddressClass address_class = classify(address);
  switch (address_class) {
    case AddressClass::kPublic:
      return {};
    case AddressClass::kPrivate:
    case AddressClass::kUniqueLocal:
    case AddressClass::kLoopback:
      if (rules_.private_ranges == PrivateRanges::kAllowed) return {};
      break;
    case AddressClass::kUnspecified:
    case AddressClass::kShared:
    case AddressClass::kLinkLocal:
    case AddressClass::kMetadata:
    case AddressClass::kMulticast:
    case AddressClass::kBroadcast:
    case AddressClass::kDocumentation:
    case AddressClass::kBenchmark:
    case AddressClass::kTranslated:
    case AddressClass::kReserved:
      break;
  }
  return refuse(shown(address, as_written) + " is not a public address (" + std::string(name(address_class)) + ")");
}

}  // namespace sluice::worker
