// See relay.h.
#include "worker/onramp/udp/relay.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

#include "base/sys.h"

namespace sluice::worker {
namespace {

constexpr std::size_t kMostPacket = 128 * std::size_t{1024};
static_assert(std::is_trivially_copyable_v<Relay::Header> && std::is_trivially_copyable_v<Relay::Claim>,
              "both travel as they lie in memory, between processes of one machine");

std::span<char> bytes_of(auto& value) {
  return {reinterpret_cast<char*>(&value), sizeof value};
}

}  // namespace

FlowOwner Relay::add_peer(WorkerId id, Fd outbox) {
  const auto known = std::ranges::find(peers_, id, &Peer::id);
  if (known != peers_.end()) {
    known->outbox = std::move(outbox);
    return static_cast<FlowOwner>(known - peers_.begin()) + 1;
  }
  peers_.push_back({.id = id, .outbox = std::move(outbox)});
  return static_cast<FlowOwner>(peers_.size());
}

std::optional<FlowOwner> Relay::owner_of(WorkerId id) const {
  if (id == self_) return kOurs;
  const auto known = std::ranges::find(peers_, id, &Peer::id);
  if (known == peers_.end() || !known->outbox) return std::nullopt;
  return static_cast<FlowOwner>(known - peers_.begin()) + 1;
}

std::vector<FlowOwner> Relay::living() const {
  std::vector<FlowOwner> all;
  for (std::size_t i = 0; i < peers_.size(); ++i)
    if (peers_[i].outbox) all.push_back(static_cast<FlowOwner>(i + 1));
  return all;
}

Relay::Sent Relay::send(FlowOwner to, const Header& header, std::span<const char> payload) {
  Peer& peer = peers_.at(to - 1);
  if (!peer.outbox) return Sent::kGone;
  Header copy{};
  std::memset(static_cast<void*>(&copy), 0, sizeof copy);  // padding crosses too
  copy = header;
  std::array<iovec, 2> parts = {{{.iov_base = &copy, .iov_len = sizeof copy},
                                 {.iov_base = const_cast<char*>(payload.data()), .iov_len = payload.size()}}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  const sys::Io io = sys::sendmsg(peer.outbox.get(), message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (io.done()) return Sent::kYes;
  if (io.again() || io.error == ENOBUFS || io.error == EMSGSIZE) return Sent::kFull;
  peer.outbox.reset();
  return Sent::kGone;
}

std::optional<Relay::Packet> Relay::receive() {
  if (!inbox_) return std::nullopt;
  if (buffer_ == nullptr) buffer_ = std::make_unique<std::string>(kMostPacket, '\0');
  for (;;) {
    const sys::Io io = sys::recv(inbox_.get(), *buffer_, MSG_DONTWAIT);
    if (!io.done() || io.bytes == 0) return std::nullopt;
    Packet packet;
    if (io.bytes < sizeof packet.header) continue;
    std::memcpy(static_cast<void*>(&packet.header), buffer_->data(), sizeof packet.header);
    if (static_cast<std::uint8_t>(packet.header.kind) > static_cast<std::uint8_t>(Kind::kReleased)) continue;
    packet.payload = std::span<const char>(*buffer_).subspan(sizeof packet.header, io.bytes - sizeof packet.header);
    return packet;
  }
}

std::vector<Relay::Claim> Relay::claims_in(std::span<const char> payload) {
  std::vector<Claim> claims(std::min(payload.size() / sizeof(Claim), kMostClaims));
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const std::span<char> into = bytes_of(claims[i]);
    std::memcpy(into.data(), payload.data() + i * sizeof(Claim), sizeof(Claim));
  }
  return claims;
}

}  // namespace sluice::worker
