// See cidr.h.
#include "base/net/cidr.h"

#include <algorithm>
#include <array>

namespace sluice {
namespace {

constexpr std::uint8_t kMappedBits = 96;  // ::ffff:0:0/96

std::uint8_t width(const IpAddress& address) {
  return static_cast<std::uint8_t>(address.bytes().size() * 8);
}

// The part of byte `index` that lies in the first `prefix` bits.
std::uint8_t mask(std::size_t index, std::uint8_t prefix) {
  const std::size_t before = index * 8;
  if (prefix >= before + 8) return 0xff;
  if (prefix <= before) return 0;
  return static_cast<std::uint8_t>(0xff00U >> (prefix - before));
}

template <std::size_t N>
IpAddress masked(std::span<const std::uint8_t> bytes, std::uint8_t prefix) {
  std::array<std::uint8_t, N> out{};
  for (std::size_t i = 0; i < N; ++i) out[i] = bytes[i] & mask(i, prefix);
  return IpAddress(out);
}
IpAddress masked(const IpAddress& address, std::uint8_t prefix) {
  return address.is_v4() ? masked<IpAddress::kV4Bytes>(address.bytes(), prefix)
                         : masked<IpAddress::kV6Bytes>(address.bytes(), prefix);
}

}  // namespace

Result<Network> Network::parse(std::string_view text) {
  const auto bad = [text](std::string_view what) {
    return fail(Code::kBadSyntax, "\"" + std::string(text.substr(0, 64)) + "\" " + std::string(what));
  };
  const std::size_t slash = text.find('/');
  const Result<IpAddress> address = IpAddress::parse(text.substr(0, slash));
  if (!address) return bad("is not a network such as 10.0.0.0/8 or fc00::/7");
  std::uint8_t prefix = width(*address);
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const std::optional<std::uint16_t> number = parse_port(digits);
    if (digits.size() > 3 || !number || *number > prefix || (digits.size() > 1 && digits.front() == '0'))
      return bad("does not end with a prefix length between 0 and " + std::to_string(prefix));
    prefix = static_cast<std::uint8_t>(*number);
  }
  if (const IpAddress first = masked(*address, prefix); first != *address)
    return bad("has bits set behind the prefix; the network is " + Network(first, prefix).text());
  const IpAddress plain = address->unmapped();
  if (plain.family() != address->family() && prefix >= kMappedBits) {
    return Network(plain, static_cast<std::uint8_t>(prefix - kMappedBits));
  }
  return Network(*address, prefix);
}

bool Network::contains(const IpAddress& address) const {
  const IpAddress plain = address.unmapped();
  return plain.family() == address_.family() && masked(plain, prefix_) == address_;
}

std::string Network::text() const {
  return address_.text() + "/" + std::to_string(prefix_);
}

Result<Networks> Networks::parse(const std::vector<std::string>& texts) {
  std::vector<Network> networks;
  networks.reserve(texts.size());
  for (const std::string& text : texts) {
    Result<Network> network = Network::parse(text);
    if (!network) return fail(std::move(network).error());
    networks.push_back(*network);
  }
  return Networks(std::move(networks));
}

bool Networks::contains(const IpAddress& address) const {
  return std::ranges::any_of(networks_, [&](const Network& network) { return network.contains(address); });
}

}  // namespace sluice
