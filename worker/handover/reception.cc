// See reception.h.
#include "worker/handover/reception.h"

#include <fmt/format.h>

namespace sluice::worker {
namespace {
constexpr Millis kPatience(5000);  // with a worker that begins to say something and does not go on
}  // namespace

Reception::Reception(Loop& loop, Fd channel) : loop_(loop), channel_(std::move(channel), restart::kMostDescriptors) {
  channel_.attach(loop);
}

Task<Result<std::string>> Reception::pieces(std::size_t size) {
  std::string bytes;
  bytes.reserve(size);
  while (bytes.size() < size) {
    const Deadline deadline = loop_.in(kPatience);
    Result<ipc::Packet> packet = co_await channel_.receive(deadline);
    if (!packet) co_return fail(std::move(packet).error());
    Result<restart::Parcel> parcel = restart::decode_parcel(packet->bytes);
    if (!parcel) co_return fail(std::move(parcel).error());
    const auto* piece = std::get_if<restart::Piece>(&*parcel);
    if (piece == nullptr || !packet->fds.empty() || piece->bytes.size() > size - bytes.size())
      co_return fail(Code::kProtocol, "hand-over: something else than the pieces of an offer");
    bytes += piece->bytes;
  }
  co_return bytes;
}

Task<Result<Reception::Arrival>> Reception::next() {
  for (;;) {
    Result<ipc::Packet> packet = co_await channel_.receive(Deadline::never());
    if (!packet) co_return fail(std::move(packet).error());
    Result<restart::Parcel> parcel = restart::decode_parcel(packet->bytes);
    if (!parcel) co_return fail(std::move(parcel).error());
    const auto* offered = std::get_if<restart::Offer>(&*parcel);
    if (offered == nullptr) co_return fail(Code::kProtocol, "hand-over: something else than an offer");
    const restart::Offer offer = *offered;
    const Result<std::string> bytes = co_await pieces(offer.size);
    if (!bytes) co_return fail(bytes.error());
    std::string why;
    if (offer.version != restart::kMovedVersion) {
      why = fmt::format("version {} of the state, {} is known here", offer.version, restart::kMovedVersion);
    } else {
      Result<restart::MovedConnection> connection = restart::decode_state(*bytes);
      if (!connection) co_return fail(std::move(connection).error());
      if (packet->fds.size() != connection->descriptors())
        co_return fail(Code::kProtocol, "hand-over: not as many descriptors as the state says");
      co_return Arrival{.number = offer.number, .connection = *std::move(connection), .fds = std::move(packet->fds)};
    }
    const Result<> refused = co_await refuse(offer.number, std::move(why));
    if (!refused) co_return fail(refused.error());
  }
}

Task<Result<>> Reception::answer(restart::Parcel parcel) {
  const Result<std::string> packet = restart::encode(parcel);
  if (!packet) co_return fail(packet.error());
  Result<> posted = channel_.post(*packet, {});
  if (!posted) co_return posted;
  const Deadline deadline = loop_.in(kPatience);
  co_return co_await channel_.flush(deadline);
}

Task<Result<>> Reception::take(std::uint64_t number) {
  restart::Parcel taken = restart::Taken{.number = number};
  co_return co_await answer(std::move(taken));
}

Task<Result<>> Reception::refuse(std::uint64_t number, std::string why) {
  restart::Parcel refused = restart::Refused{.number = number, .why = std::move(why)};
  co_return co_await answer(std::move(refused));
}

}  // namespace sluice::worker
