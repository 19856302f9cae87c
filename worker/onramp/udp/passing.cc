// Datagrams where workers share sockets: which worker has a flow, passing on what is another's, handing a socket over
// with all that is known of its flows, and leaving. See datagrams.h and relay.h.
#include <algorithm>
#include <map>

#include "base/fd_events.h"
#include "worker/onramp/udp/datagrams.h"

namespace sluice::worker {
namespace {

constexpr Millis kAgain(1);       // a full inbox is read by then
constexpr int kPatience = 200;    // so many times
constexpr Millis kFarewell(300);  // the longest wait for answers to our release

std::span<const char> bytes_of(std::span<const Relay::Claim> claims) {
  return {reinterpret_cast<const char*>(claims.data()), claims.size_bytes()};
}

}  // namespace

// More workers than sockets: each socket's reader shares new flows with those who have no socket to read.
FlowOwner Datagrams::owner_of_new(const Socket& socket, const DatagramKey& key) const {
  const std::uint32_t workers = services_.settings.workers;
  if (socket.shares == 0 || workers <= socket.shares) return kOurs;
  const std::uint32_t sharing = (workers - socket.share + socket.shares - 1) / socket.shares;
  const auto which = static_cast<std::uint32_t>(socket.place.flows.hash(key) % sharing);
  const WorkerId id{.generation = self_.generation, .worker = socket.share + which * socket.shares};
  return relay_.owner_of(id).value_or(kOurs);
}

void Datagrams::pass_on(Socket& socket, Flow& flow, std::span<const char> bytes) {
  const FlowOwner owner = flow.owner;
  const DatagramKey key = flow.key;
  switch (
      relay_.send(owner, {.kind = Relay::Kind::kDatagram, .socket = socket.number, .about = {}, .key = key}, bytes)) {
    case Relay::Sent::kYes:
      socket.place.series.forwarded.add(1);
      return;
    case Relay::Sent::kFull:
      socket.place.series.count_dropped(Dropped::kForward);
      return;
    case Relay::Sent::kGone:
      break;
  }
  forget_claims(owner);  // its flows ended with it; this one begins anew
  if (Flow* const anew = begin(socket, key, kOurs); anew != nullptr) answer(socket, *anew, bytes);
}

void Datagrams::forget_claims(FlowOwner of) {
  for (const auto& place : places_)
    if (place != nullptr) place->flows.remove_if([of](Flow& flow) { return flow.owner == of; });
}

void Datagrams::meet(const ipc::Mailboxes& mailboxes, std::vector<Fd> fds) {
  for (std::size_t i = 0; i < fds.size(); ++i) {
    const WorkerId id{.generation = mailboxes.items[i].generation, .worker = mailboxes.items[i].worker_index};
    if (id == self_) {
      relay_.set_inbox(std::move(fds[i]));
      continue;
    }
    const FlowOwner peer = relay_.add_peer(id, std::move(fds[i]));
    // it may stand in for a reader that has died with all that it knew
    if (!accepting_ && open_ > 0) errands_.spawn([this, peer] { return announce(peer); });
  }
  if (relay_.inbox() < 0 || inbox_read_) return;
  inbox_read_ = true;
  errands_.spawn([this] { return read_inbox(); });
}

Task<> Datagrams::read_inbox() {
  FdEvents events(services_.loop, relay_.inbox());
  for (;;) {
    const Wake wake = co_await events.readable.wait(services_.loop, Deadline::never());
    static_cast<void>(wake);
    events.nothing_to_read();
    take_packets();
  }
}

void Datagrams::take_packets() {
  while (const std::optional<Relay::Packet> packet = relay_.receive()) take_packet(*packet);
}

void Datagrams::take_packet(const Relay::Packet& packet) {
  switch (packet.header.kind) {
    case Relay::Kind::kDatagram:
      return take_passed(packet);
    case Relay::Kind::kClaims:
      return take_claims(packet);
    case Relay::Kind::kHanded:
      if (Socket* const socket = find_socket(packet.header.socket); socket != nullptr) socket->handed.set();
      return;
    case Relay::Kind::kRelease:
      if (const std::optional<FlowOwner> owner = relay_.owner_of(packet.header.about); owner && *owner != kOurs) {
        forget_claims(*owner);
        static_cast<void>(
            relay_.send(*owner, {.kind = Relay::Kind::kReleased, .socket = 0, .about = self_, .key = {}}, {}));
        relay_.forget(*owner);
      }
      return;
    case Relay::Kind::kReleased:
      ++released_;
      news_.set();
      return;
  }
}

// Its source has been looked at by who passed it on.
void Datagrams::take_passed(const Relay::Packet& packet) {
  Socket* const socket = find_socket(packet.header.socket);
  if (socket == nullptr) return;
  Flow* flow = socket->place.flows.find(packet.header.key);
  if (flow != nullptr && flow->owner != kOurs) {
    socket->place.flows.remove(*flow);
    flow = nullptr;
  }
  if (flow == nullptr) flow = begin(*socket, packet.header.key, kOurs);
  if (flow == nullptr) return;
  socket->place.flows.touch(*flow, services_.loop.now());
  answer(*socket, *flow, packet.payload);
  flush(*socket);
}

void Datagrams::take_claims(const Relay::Packet& packet) {
  Socket* const socket = find_socket(packet.header.socket);
  const std::optional<FlowOwner> owner = relay_.owner_of(packet.header.about);
  if (socket == nullptr || !owner || *owner == kOurs) return;
  Place& place = socket->place;
  for (const Relay::Claim& claim : Relay::claims_in(packet.payload)) {
    Flow* flow = place.flows.find(claim.key);
    // who has it longer keeps it
    if (flow != nullptr && flow->owner == kOurs) end(place, *std::exchange(flow, nullptr), ipc::Fate::kHandedOver);
    if (flow == nullptr) flow = begin(*socket, claim.key, *owner);
    if (flow == nullptr) continue;
    flow->owner = *owner;
    flow->last_seen = Nanos(claim.last_seen);
  }
}

Task<> Datagrams::hand_over(Socket& socket, WorkerId reader) {
  const std::optional<FlowOwner> to = relay_.owner_of(reader);
  if (!to || *to == kOurs) co_return;
  co_await send_claims(socket, *to);
  for (int tries = 0; tries < kPatience; ++tries) {
    const Relay::Sent sent =
        relay_.send(*to, {.kind = Relay::Kind::kHanded, .socket = socket.number, .about = self_, .key = {}}, {});
    if (sent != Relay::Sent::kFull) break;
    co_await services_.loop.sleep(kAgain);
  }
  // the other reader knows them now, and we are passed only what is ours
  socket.place.flows.remove_if(
      [&](Flow& flow) { return flow.socket == socket.number && flow.owner != kOurs && socket.task.empty(); });
}

// All that we know of the socket's flows, ours and others', except what its new reader has itself.
Task<> Datagrams::send_claims(Socket& socket, FlowOwner to) {
  std::map<FlowOwner, std::vector<Relay::Claim>> by_owner;
  socket.place.flows.each([&](Flow& flow) {
    if (flow.socket == socket.number && flow.owner != to)
      by_owner[flow.owner].push_back({.key = flow.key, .last_seen = flow.last_seen.count()});
  });
  for (const auto& [owner, claims] : by_owner) {
    const Relay::Header header{
        .kind = Relay::Kind::kClaims, .socket = socket.number, .about = relay_.id_of(owner), .key = {}};
    for (std::size_t at = 0; at < claims.size(); at += Relay::kMostClaims) {
      const auto part = std::span(claims).subspan(at, std::min(Relay::kMostClaims, claims.size() - at));
      for (int tries = 0; tries < kPatience; ++tries) {
        if (relay_.send(to, header, bytes_of(part)) != Relay::Sent::kFull) break;
        co_await services_.loop.sleep(kAgain);
      }
    }
  }
}

Task<> Datagrams::announce(FlowOwner to) {
  for (const auto& socket : sockets_)
    if (socket->shares != 0 && socket->task.empty()) co_await send_claims(*socket, to);
}

// Who passes us datagrams stops, says so, and what came before has been answered by then.
Task<> Datagrams::release() {
  const std::vector<FlowOwner> peers = relay_.living();
  released_ = 0;
  std::size_t asked = 0;
  for (const FlowOwner peer : peers)
    if (relay_.send(peer, {.kind = Relay::Kind::kRelease, .socket = 0, .about = self_, .key = {}}, {}) ==
        Relay::Sent::kYes)
      ++asked;
  const Deadline end = services_.loop.in(kFarewell);
  while (released_ < asked) {
    news_.clear();
    const Wake wake = co_await news_.wait(services_.loop, end);
    if (wake == Wake::kTimeout) break;
  }
}

}  // namespace sluice::worker
