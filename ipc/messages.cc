// See messages.h: packets from messages and back, by the table.
#include "ipc/messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "ipc/codec.h"

namespace sluice::ipc {
namespace {

constexpr std::size_t kHeaderSize = 8;

// A message without descriptors() travels without descriptors.
template <class M>
std::size_t descriptors_of(const M& message) {
  if constexpr (requires { message.descriptors(); }) return message.descriptors();
  return 0;
}

template <class M, class Table>
const Rule& rule_in(const Table& table) {
  return std::get<Row<M>>(table).rule;
}

template <class Table>
consteval bool types_differ(const Table& table) {
  std::array<std::uint16_t, std::tuple_size_v<Table>> types{};
  std::size_t next = 0;
  std::apply([&](const auto&... row) { ((types[next++] = row.rule.type), ...); }, table);
  std::sort(types.begin(), types.end());
  return std::adjacent_find(types.begin(), types.end()) == types.end();
}
static_assert(types_differ(kFromSupervisor) && types_differ(kFromWorker), "two messages with one type number");

Result<> check_fds(const Rule& rule, std::size_t expected, std::size_t fds) {
  if (fds == expected && fds <= rule.max_fds) return {};
  return fail(Code::kProtocol, fmt::format("{} goes with {} descriptors, not with {}", rule.name, expected, fds));
}

template <class Variant, class Table>
Result<std::string> encode_by(const Table& table, const Variant& message, std::size_t fds) {
  return std::visit(
      [&]<class M>(const M& m) -> Result<std::string> {
        const Rule& rule = rule_in<M>(table);
        if (Result<> right = check_fds(rule, descriptors_of(m), fds); !right) return fail(std::move(right).error());
        Writer writer;
        writer.u16(kProtocolVersion);
        writer.u16(rule.type);
        writer.u16(static_cast<std::uint16_t>(fds));
        writer.u16(0);
        M::fields(m, writer);
        std::string packet = writer.take();
        if (!writer.end() || packet.size() > kHeaderSize + rule.max_size)
          return fail(Code::kProtocol, fmt::format("a field of {} is too long or not printable", rule.name));
        return packet;
      },
      message);
}

template <class M, class Variant>
Result<Variant> decode_fields(const Rule& rule, std::string_view fields, std::size_t fds) {
  if (fields.size() > rule.max_size)
    return fail(Code::kProtocol,
                fmt::format("{} has {} bytes, at most {} are allowed", rule.name, fields.size(), rule.max_size));
  M message;
  Reader reader(fields);
  M::fields(message, reader);
  if (!reader.end()) {
    return fail(Code::kProtocol, fmt::format("{} is malformed: {}", rule.name,
                                             reader.good() ? "bytes are left over" : "a field is cut off or illegal"));
  }
  if (Result<> right = check_fds(rule, descriptors_of(message), fds); !right) return fail(std::move(right).error());
  return Variant(std::move(message));
}

template <class Variant, class Table>
Result<Variant> decode_by(const Table& table, std::string_view packet, std::size_t fds) {
  if (packet.size() < kHeaderSize) return fail(Code::kProtocol, "a packet shorter than its header");
  Reader header(packet.substr(0, kHeaderSize));
  std::uint16_t version = 0;
  std::uint16_t type = 0;
  std::uint16_t announced = 0;
  std::uint16_t zero = 0;
  header.u16(version);
  header.u16(type);
  header.u16(announced);
  header.u16(zero);
  if (version != kProtocolVersion)
    return fail(Code::kProtocol, fmt::format("the peer speaks version {} of the protocol, this process {}: they are "
                                             "from different builds",
                                             version, kProtocolVersion));
  if (announced != fds || zero != 0)
    return fail(Code::kProtocol, fmt::format("a packet that announces {} descriptors came with {}", announced, fds));
  std::optional<Result<Variant>> decoded;
  std::apply(
      [&]<class... M>(const Row<M>&... row) {
        ((row.rule.type == type
              ? void(decoded.emplace(decode_fields<M, Variant>(row.rule, packet.substr(kHeaderSize), fds)))
              : void()),
         ...);
      },
      table);
  if (!decoded) return fail(Code::kProtocol, fmt::format("a message of type {}, which the peer may not send", type));
  return std::move(*decoded);
}

}  // namespace

const Rule& rule_of(const FromSupervisor& message) {
  return std::visit([]<class M>(const M&) -> const Rule& { return rule_in<M>(kFromSupervisor); }, message);
}
const Rule& rule_of(const FromWorker& message) {
  return std::visit([]<class M>(const M&) -> const Rule& { return rule_in<M>(kFromWorker); }, message);
}

Result<std::string> encode(const FromSupervisor& message, std::size_t fds) {
  return encode_by(kFromSupervisor, message, fds);
}
Result<std::string> encode(const FromWorker& message, std::size_t fds) {
  return encode_by(kFromWorker, message, fds);
}
Result<FromSupervisor> decode_from_supervisor(std::string_view packet, std::size_t fds) {
  return decode_by<FromSupervisor>(kFromSupervisor, packet, fds);
}
Result<FromWorker> decode_from_worker(std::string_view packet, std::size_t fds) {
  return decode_by<FromWorker>(kFromWorker, packet, fds);
}

std::string_view name(Phase phase) {
  switch (phase) {
    case Phase::kStarting:
      return "starting";
    case Phase::kServing:
      return "serving";
    case Phase::kDraining:
      return "draining";
  }
  SLUICE_CHECK(false, "no such phase");
}
std::string_view name(Role role) {
  switch (role) {
    case Role::kSupervisor:
      return "supervisor";
    case Role::kWorker:
      return "worker";
  }
  SLUICE_CHECK(false, "no such role");
}

}  // namespace sluice::ipc
