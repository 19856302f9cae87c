// See handover.h. Every packet begins with u16 type; a piece is nothing but its bytes behind that.
#include "restart/handover.h"

#include <algorithm>

#include "ipc/codec.h"

namespace sluice::restart {
namespace {

enum class Type : std::uint16_t { kOffer = 1, kPiece = 2, kTaken = 3, kRefused = 4 };
constexpr std::size_t kTypeBytes = 2;
constexpr std::size_t kMostWhy = 256;

template <class... F>
struct On : F... {
  using F::operator()...;
};

ipc::Writer begin(Type type) {
  ipc::Writer writer;
  writer.u16(static_cast<std::uint16_t>(type));
  return writer;
}

std::unexpected<Error> malformed(std::string_view what) {
  return fail(Code::kProtocol, std::string("hand-over: ").append(what));
}

Result<Parcel> decode_piece(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > kMostPiece) return malformed("a piece of no legal size");
  return Parcel(Piece{.bytes = std::string(bytes)});
}

}  // namespace

Result<std::string> encode(const Parcel& parcel) {
  ipc::Writer writer;
  std::visit(On{[&](const Offer& offer) {
                  writer = begin(Type::kOffer);
                  writer.u64(offer.number);
                  writer.u32(offer.size);
                  writer.u16(offer.version);
                },
                [](const Piece&) {},
                [&](const Taken& taken) {
                  writer = begin(Type::kTaken);
                  writer.u64(taken.number);
                },
                [&](const Refused& refused) {
                  writer = begin(Type::kRefused);
                  writer.u64(refused.number);
                  writer.sentence(refused.why, kMostWhy);
                }},
             parcel);
  if (const auto* piece = std::get_if<Piece>(&parcel)) {
    if (piece->bytes.empty() || piece->bytes.size() > kMostPiece) return fail(Code::kTooLarge, "a piece of that size");
    return begin(Type::kPiece).take() + piece->bytes;
  }
  return writer.take();
}

Result<Parcel> decode_parcel(std::string_view packet) {
  ipc::Reader reader(packet);
  std::uint16_t type = 0;
  reader.u16(type);
  if (!reader.good()) return malformed("a packet without a type");
  if (type == static_cast<std::uint16_t>(Type::kPiece)) return decode_piece(packet.substr(kTypeBytes));
  Parcel parcel;
  switch (static_cast<Type>(type)) {
    case Type::kOffer: {
      Offer& offer = parcel.emplace<Offer>();
      reader.u64(offer.number);
      reader.u32(offer.size);
      reader.u16(offer.version);
      if (reader.end() && (offer.size == 0 || offer.size > kMostState)) return malformed("an offer of no legal size");
      break;
    }
    case Type::kTaken:
      reader.u64(parcel.emplace<Taken>().number);
      break;
    case Type::kRefused: {
      Refused& refused = parcel.emplace<Refused>();
      reader.u64(refused.number);
      reader.sentence(refused.why, kMostWhy);
      break;
    }
    case Type::kPiece:
    default:
      return malformed("a packet of an unknown type");
  }
  if (!reader.end()) return malformed("a packet that is cut off, too long or not printable");
  return parcel;
}

Result<std::string> encode_state(const MovedConnection& connection) {
  ipc::Writer writer;
  MovedConnection::fields(connection, writer);
  std::string bytes = writer.take();
  if (!writer.end() || bytes.size() > kMostState)
    return fail(Code::kTooLarge, "there is more to hand over than may be");
  return bytes;
}

Result<MovedConnection> decode_state(std::string_view bytes) {
  if (bytes.size() > kMostState) return malformed("a state that is too large");
  MovedConnection connection;
  ipc::Reader reader(bytes);
  MovedConnection::fields(connection, reader);
  if (!reader.end()) return malformed("a state that is cut off, too long or out of bounds");
  if (!connection.tunnel.empty() && !connection.read.empty())
    return malformed("bytes of a request in front of a tunnel");
  return connection;
}

}  // namespace sluice::restart
