// Network: an IP prefix such as 10.0.0.0/8 or fc00::/7, and Networks, a list of them: what policies are made of.
//
// IPv4 in IPv6 clothes (::ffff:10.0.0.1) is taken as the IPv4 address it is, on both sides, so that no policy is passed
// by writing an address differently. Other embeddings (NAT64, 6to4) are the policy's business:
// IpAddress::embedded_v4().
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/address.h"

namespace sluice {

class Network {
 public:
  /// 0.0.0.0/0
  Network() = default;
  /// "10.0.0.0/8", "2001:db8::/32"; a bare address is the network of that one address. Bits behind the prefix must be 0
  /// (10.1.2.3/8 is more often a slip than a wish). Errors: kBadSyntax, with what would have been right.
  [[nodiscard]] static Result<Network> parse(std::string_view text);

  [[nodiscard]] bool contains(const IpAddress& address) const;
  /// First address of the network.
  [[nodiscard]] const IpAddress& address() const { return address_; }
  /// Bits of the prefix, 0 to 32 or 0 to 128.
  [[nodiscard]] std::uint8_t prefix() const { return prefix_; }
  [[nodiscard]] std::string text() const;

  auto operator<=>(const Network&) const = default;

 private:
  Network(IpAddress address, std::uint8_t prefix) : address_(address), prefix_(prefix) {}

  IpAddress address_;
  std::uint8_t prefix_ = 0;
};

class Networks {
 public:
  Networks() = default;
  explicit Networks(std::vector<Network> networks) : networks_(std::move(networks)) {}
  /// Errors: kBadSyntax for the first text that is not a network.
  [[nodiscard]] static Result<Networks> parse(const std::vector<std::string>& texts);

  /// Linear: policies have a handful of entries and are asked once per connection.
  [[nodiscard]] bool contains(const IpAddress& address) const;
  [[nodiscard]] bool empty() const { return networks_.empty(); }
  [[nodiscard]] const std::vector<Network>& all() const { return networks_; }

 private:
  std::vector<Network> networks_;
};

}  // namespace sluice
