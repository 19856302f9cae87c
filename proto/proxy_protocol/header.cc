// See header.h: reading.
#include "proto/proxy_protocol/header.h"

#include <algorithm>
#include <array>

#include "proto/proxy_protocol/wire.h"

namespace sluice::proxy_protocol {
namespace {

using Parsed = std::expected<std::size_t, Fault>;

std::unexpected<Fault> fault(Fault why) {
  return std::unexpected(why);
}

std::uint8_t u8(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}
std::uint16_t u16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(u8(bytes, at) << 8U | u8(bytes, at + 1));
}

// The next word of a line of version 1: words are separated by exactly one space.
std::optional<std::string_view> next_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  if (end == 0) return std::nullopt;
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

bool take_space(std::string_view& line) {
  if (!line.starts_with(' ')) return false;
  line.remove_prefix(1);
  return true;
}

// "0" to "65535" without leading zeros.
std::optional<std::uint16_t> port_of(std::string_view word) {
  if (word.size() > 1 && word.front() == '0') return std::nullopt;
  return parse_port(word);
}

// What stands between "PROXY " and the end of the line: "TCP4 192.0.2.1 192.0.2.2 4711 80".
std::expected<std::optional<Addresses>, Fault> addresses_of_line(std::string_view line) {
  const std::optional<std::string_view> family = next_word(line);
  if (!family) return fault(Fault::kMalformed);
  // "the receiver must ignore anything presented before the CRLF"
  if (*family == "UNKNOWN") return std::optional<Addresses>();
  if (*family != "TCP4" && *family != "TCP6") return fault(Fault::kUnknown);
  std::array<std::string_view, 4> words;
  for (std::string_view& word : words) {
    if (!take_space(line)) return fault(Fault::kMalformed);
    const std::optional<std::string_view> next = next_word(line);
    if (!next) return fault(Fault::kMalformed);
    word = *next;
  }
  const Result<IpAddress> source = IpAddress::parse(words[0]);
  const Result<IpAddress> destination = IpAddress::parse(words[1]);
  const std::optional<std::uint16_t> source_port = port_of(words[2]);
  const std::optional<std::uint16_t> destination_port = port_of(words[3]);
  const bool v4 = *family == "TCP4";
  if (!line.empty() || !source || !destination || !source_port || !destination_port || source->is_v4() != v4 ||
      destination->is_v4() != v4)
    return fault(Fault::kMalformed);
  return Addresses{.source = SocketAddress(*source, *source_port),
                   .destination = SocketAddress(*destination, *destination_port)};
}

Parsed parse_v1(std::string_view bytes, Header& into) {
  const std::string_view window = bytes.substr(0, kMaxV1);
  const std::size_t end = window.find('\n');
  const std::string_view line = window.substr(0, end);
  // CR only in front of LF, and nothing that is not text: found before the line is complete
  const std::size_t cr = line.find('\r');
  if (cr != std::string_view::npos && cr + 1 != line.size()) return fault(Fault::kMalformed);
  if (std::ranges::any_of(line.substr(0, cr), [](char c) { return c < ' ' || c > '~'; }))
    return fault(Fault::kMalformed);
  if (end == std::string_view::npos) {
    if (window.size() == kMaxV1) return fault(Fault::kTooLong);
    return 0;
  }
  if (cr == std::string_view::npos) return fault(Fault::kMalformed);
  const auto addresses = addresses_of_line(line.substr(kV1Begin.size(), cr - kV1Begin.size()));
  if (!addresses) return fault(addresses.error());
  into = Header{.version = Version::kV1, .addresses = *addresses, .tlvs = {}};
  return end + 1;
}

template <std::size_t kBytes>
Addresses read_addresses(std::string_view block) {
  const auto ip = [&](std::size_t at) {
    std::array<std::uint8_t, kBytes> bytes{};
    for (std::size_t i = 0; i < kBytes; ++i) bytes.at(i) = u8(block, at + i);
    return IpAddress(bytes);
  };
  return {.source = SocketAddress(ip(0), u16(block, 2 * kBytes)),
          .destination = SocketAddress(ip(kBytes), u16(block, 2 * kBytes + 2))};
}

bool well_formed(std::string_view tlvs) {
  while (!tlvs.empty()) {
    if (tlvs.size() < kTlvHead || tlvs.size() - kTlvHead < u16(tlvs, 1)) return false;
    tlvs.remove_prefix(kTlvHead + u16(tlvs, 1));
  }
  return true;
}

// Section 2.2.3: over the whole header with the checksum's own bytes as zeros.
bool checksum_fits(std::string_view header, const Header& parsed) {
  const std::optional<std::string_view> sum = parsed.tlv(TlvType::kCrc32c);
  if (!sum) return true;
  if (sum->size() != sizeof(std::uint32_t)) return false;
  const auto at = static_cast<std::size_t>(sum->data() - header.data());
  std::string zeroed(header);
  zeroed.replace(at, sum->size(), sum->size(), '\0');
  const std::uint32_t stated = std::uint32_t{u16(*sum, 0)} << 16U | u16(*sum, 2);
  return crc32c(zeroed) == stated;
}

Parsed parse_v2(std::string_view bytes, Header& into) {
  if (bytes.size() > kV2Version) {
    const std::uint8_t version = u8(bytes, kV2Version);
    if (version >> 4U != 2 || (version & 0xFU) > kCommandProxy) return fault(Fault::kUnknown);
  }
  if (bytes.size() < kV2Head) return 0;
  const std::size_t size = kV2Head + u16(bytes, kV2Length);
  if (size > kMaxV2) return fault(Fault::kTooLong);
  if (bytes.size() < size) return 0;
  const bool local = (u8(bytes, kV2Version) & 0xFU) == kCommandLocal;
  std::string_view block = bytes.substr(kV2Head, size - kV2Head);
  Header header{.version = Version::kV2, .addresses = {}, .tlvs = {}};
  std::size_t used = 0;
  switch (static_cast<Family>(u8(bytes, kV2Family))) {
    case Family::kUnspecified:
      used = block.size();  // whatever is there means nothing
      break;
    case Family::kTcp4:
      used = 2 * IpAddress::kV4Bytes + 4;
      if (block.size() >= used) header.addresses = read_addresses<IpAddress::kV4Bytes>(block);
      break;
    case Family::kTcp6:
      used = 2 * IpAddress::kV6Bytes + 4;
      if (block.size() >= used) header.addresses = read_addresses<IpAddress::kV6Bytes>(block);
      break;
    case Family::kUnixStream:
      used = 2 * kUnixPath;
      header.addresses = Addresses{.source = SocketAddress::unix_path({}), .destination = SocketAddress::unix_path({})};
      break;
    default:  // datagrams do not come over a stream
      if (!local) return fault(Fault::kUnknown);
  }
  if (local) {  // "the receiver must … discard the protocol block including the family, which is ignored"
    into = Header{.version = Version::kV2, .addresses = {}, .tlvs = {}};
    return size;
  }
  if (block.size() < used) return fault(Fault::kMalformed);
  header.tlvs = block.substr(used);
  if (!well_formed(header.tlvs)) return fault(Fault::kMalformed);
  if (!checksum_fits(bytes.substr(0, size), header)) return fault(Fault::kChecksum);
  into = std::move(header);
  return size;
}

bool begins(std::string_view bytes, std::string_view with) {
  const std::size_t common = std::min(bytes.size(), with.size());
  return bytes.substr(0, common) == with.substr(0, common);
}

}  // namespace

std::string_view name(Fault fault) {
  switch (fault) {
    case Fault::kNoHeader:
      return "no PROXY header";
    case Fault::kTooLong:
      return "the PROXY header is too long";
    case Fault::kMalformed:
      return "the PROXY header is malformed";
    case Fault::kUnknown:
      return "the PROXY header has an unknown version, command or family";
    case Fault::kChecksum:
      return "the PROXY header's checksum does not fit";
  }
  return "";
}

std::optional<std::string_view> Header::tlv(TlvType type) const {
  for (std::string_view left = tlvs; left.size() >= kTlvHead;) {
    const std::size_t size = u16(left, 1);
    if (left.size() - kTlvHead < size) break;
    if (u8(left, 0) == static_cast<std::uint8_t>(type)) return left.substr(kTlvHead, size);
    left.remove_prefix(kTlvHead + size);
  }
  return std::nullopt;
}

Parsed parse(std::string_view bytes, Header& into) {
  if (begins(bytes, kV2Begin)) return bytes.size() < kV2Begin.size() ? 0 : parse_v2(bytes, into);
  if (begins(bytes, kV1Begin)) return bytes.size() < kV1Begin.size() ? 0 : parse_v1(bytes, into);
  return fault(Fault::kNoHeader);
}

}  // namespace sluice::proxy_protocol
