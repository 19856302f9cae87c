// See peer.h.
#include "ipc/peer.h"

#include <fmt/format.h>

namespace sluice::ipc {

Result<> Conversation::permit(const Rule& rule) {
  if (!rule.allowed_in(phase_))
    return fail(Code::kProtocol,
                fmt::format("the {} may not say {} while {}", name(rule.sender), rule.name, name(phase_)));
  bool& seen = seen_.at(rule.type);
  if (seen && rule.times == Times::kOnce)
    return fail(Code::kProtocol, fmt::format("the {} said {} twice", name(rule.sender), rule.name));
  seen = true;
  if (rule.moves_to) phase_ = *rule.moves_to;
  return {};
}

std::vector<std::uint32_t> Conversation::seen() const {
  std::vector<std::uint32_t> types;
  for (std::uint32_t type = 0; type < kTypes; ++type)
    if (seen_.at(type)) types.push_back(type);
  return types;
}

void Conversation::go_on(Phase phase, std::span<const std::uint32_t> seen) {
  phase_ = phase;
  for (const std::uint32_t type : seen) seen_.at(type) = true;
}

// A worker has no business sending descriptors: the supervisor offers the kernel no room for any.
template <Role kSelf>
Peer<kSelf>::Peer(Fd fd) : channel_(std::move(fd), kSelf == Role::kSupervisor ? 0 : kMaxFds) {}

template <Role kSelf>
Result<typename Peer<kSelf>::Received> Peer<kSelf>::judge(Packet&& packet) {
  Result<Incoming> message = [&] {
    if constexpr (kSelf == Role::kSupervisor) {
      return decode_from_worker(packet.bytes, packet.fds.size());
    } else {
      return decode_from_supervisor(packet.bytes, packet.fds.size());
    }
  }();
  if (!message) return fail(std::move(message).error());
  if (Result<> permitted = conversation_.permit(rule_of(*message)); !permitted) return fail(permitted.error());
  return Received{.message = std::move(*message), .fds = std::move(packet.fds)};
}

template <Role kSelf>
Task<Result<typename Peer<kSelf>::Received>> Peer<kSelf>::receive(Deadline deadline) {
  Result<Packet> packet = co_await channel_.receive(deadline);
  if (!packet) co_return fail(std::move(packet).error());
  co_return judge(std::move(*packet));
}

template <Role kSelf>
Result<typename Peer<kSelf>::Received> Peer<kSelf>::receive_blocking(Deadline deadline) {
  Result<Packet> packet = channel_.receive_blocking(deadline);
  if (!packet) return fail(std::move(packet).error());
  return judge(std::move(*packet));
}

template <Role kSelf>
Result<> Peer<kSelf>::post(const Outgoing& message, std::span<const int> fds) {
  Result<std::string> packet = encode(message, fds.size());
  if (!packet) return fail(std::move(packet).error());
  if (Result<> permitted = conversation_.permit(rule_of(message)); !permitted) return permitted;
  return channel_.post(*packet, fds);
}

template class Peer<Role::kSupervisor>;
template class Peer<Role::kWorker>;

}  // namespace sluice::ipc
