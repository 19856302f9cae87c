// See saved_state.h.
#include "restart/saved_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/settings/settings.h"
#include "ipc/slab.h"
#include "restart/outcome.h"
#include "restart/phase.h"

namespace sluice::restart {
namespace {

using settings::Node;

// Looked at before anything else: the rest may mean something else in another version.
Result<> right_version(const Node& root) {
  const Node* const found = root.kind == Node::Kind::kMap ? root.find("version") : nullptr;
  std::uint32_t version = 0;
  if (found == nullptr || found->kind != Node::Kind::kScalar ||
      std::from_chars(found->text.data(), found->text.data() + found->text.size(), version).ec != std::errc())
    return fail(Code::kBadSyntax, "not the state of a supervisor");
  if (version != kStateVersion)
    return fail(Code::kUnsupported,
                fmt::format("the state has version {}, this program knows version {}", version, kStateVersion));
  return {};
}

void add(std::vector<std::int32_t>& all, std::int32_t fd) {
  if (fd != kNoFd) all.push_back(fd);
}

void add(std::vector<std::int32_t>& all, const SavedProcess& process) {
  add(all, process.channel);
  add(all, process.log.fd);
  for (const SavedPacket& packet : process.queued) all.insert(all.end(), packet.fds.begin(), packet.fds.end());
}

void add(std::vector<std::int32_t>& all, const SavedGeneration& generation) {
  add(all, generation.application.fd);
  add(all, generation.admin.fd);
  add(all, generation.keyholder.fd);
  for (const SavedTenant& tenant : generation.tenants) {
    add(all, tenant.settings_fd);
    all.insert(all.end(), tenant.keys.begin(), tenant.keys.end());
    for (const SavedWorker& worker : tenant.workers) {
      add(all, worker.mailbox);
      for (const SavedProcess& process : worker.process) add(all, process);
    }
  }
}

void add(std::vector<std::int32_t>& all, const SavedDatagrams& datagrams) {
  all.insert(all.end(), datagrams.maps.begin(), datagrams.maps.end());
  for (const SavedUdpAddress& address : datagrams.addresses) {
    add(all, address.program);
    for (const SavedUdpSocket& socket : address.shared) add(all, socket.fd);
  }
  for (const SavedUdpShare& share : datagrams.shares)
    for (const SavedUdpSocket& socket : share.sockets) add(all, socket.fd);
}

std::string fault_of(const SavedDatagrams& datagrams) {
  constexpr std::uint32_t kByBpf = 1;
  constexpr std::size_t kMaps = 4;
  if (datagrams.maps.size() != (datagrams.kind == kByBpf ? kMaps : 0)) return "another number of maps than four";
  for (const SavedUdpAddress& address : datagrams.addresses)
    if ((address.program == kNoFd) == (datagrams.kind == kByBpf)) return "an address that is steered in another way";
  for (const SavedUdpShare& share : datagrams.shares)
    if (std::ranges::find(datagrams.addresses, share.key, &SavedUdpAddress::key) == datagrams.addresses.end())
      return "UDP sockets without an address";
  return {};
}

std::string fault_of(const SavedWorker& worker, std::size_t slabs, std::set<std::int32_t>& taken) {
  if (worker.process.size() > 1) return "a worker with two processes";
  if (!worker.process.empty() && worker.slab < 0) return "a process without memory";
  if (worker.ledger.size() > ipc::kWorks) return "a ledger with too many rows";
  if (worker.slab < 0) return {};
  if (static_cast<std::size_t>(worker.slab) >= slabs) return "a worker with memory that is not there";
  return taken.insert(worker.slab).second ? std::string() : "two workers with the same memory";
}

std::string fault_of(const std::vector<SavedGeneration>& generations, const SavedState& state) {
  std::uint64_t last = 0;
  std::set<std::int32_t> slabs;
  for (const SavedGeneration& generation : generations) {
    if (generation.number <= last) return "generations out of order";
    last = generation.number;
    if (generation.application.fd == kNoFd) return "a generation without a program";
    for (const SavedTenant& tenant : generation.tenants)
      for (const SavedWorker& worker : tenant.workers)
        if (std::string fault = fault_of(worker, state.slabs.size(), slabs); !fault.empty()) return fault;
  }
  if (last > state.last_generation) return "a generation newer than the newest";
  const bool serves = std::ranges::any_of(generations, [&](const auto& one) { return one.number == state.serving; });
  return serves ? std::string() : "no generation serves";
}

// Phases follow one another as the table says, so that a record can be made again by the same moves.
std::string fault_of(const SavedUpgrade& upgrade) {
  Phase at = Phase::kWaiting;
  for (const SavedEvent& event : upgrade.events) {
    const std::optional<Phase> next = parse_phase(event.phase);
    if (!next || !may_move(at, *next))
      return fmt::format("upgrade {} cannot come to phase {}", upgrade.number, event.phase);
    at = *next;
  }
  if (!upgrade.outcome.empty() && !parse_outcome(upgrade.outcome))
    return fmt::format("upgrade {} has an outcome that is not known", upgrade.number);
  return upgrade.ledger.size() > ipc::kWorks ? "a ledger with too many rows" : "";
}

std::string fault_of(const std::vector<SavedUpgrade>& upgrades, const SavedState& state) {
  std::set<std::uint64_t> numbers;
  for (const SavedUpgrade& upgrade : upgrades) {
    if (!numbers.insert(upgrade.number).second) return "two upgrades with the same number";
    if (std::string fault = fault_of(upgrade); !fault.empty()) return fault;
  }
  const auto known = [&](std::uint64_t number) { return number == 0 || numbers.contains(number); };
  if (!known(state.running) || !known(state.pending)) return "an upgrade that is not there";
  return std::ranges::all_of(state.clients, known, &SavedClient::upgrade) ? "" : "a client waits for no upgrade";
}

std::string fault_of(const SavedState& state) {
  if (std::string fault = fault_of(state.generations, state); !fault.empty()) return fault;
  if (std::string fault = fault_of(state.upgrades, state); !fault.empty()) return fault;
  if (std::string fault = fault_of(state.datagrams); !fault.empty()) return fault;
  for (const SavedAddress& address : state.addresses)
    if (address.listening > address.sockets.size()) return "more sockets listen than there are";
  if (std::ranges::find(state.slabs, kNoFd, &SavedSlab::fd) != state.slabs.end()) return "memory that is not there";
  if (state.control.fd == kNoFd || state.own_slab == kNoFd || state.program.fd == kNoFd)
    return "a descriptor is missing";
  std::vector<std::int32_t> all = descriptors_of(state);
  std::ranges::sort(all);
  if (!all.empty() && all.front() <= 2) return "a standard descriptor";
  return std::ranges::adjacent_find(all) == all.end() ? "" : "a descriptor stands twice";
}

}  // namespace

std::string write_state(const SavedState& state) {
  return settings::to_json(state);
}

Result<SavedState> read_state(std::string_view text) {
  if (text.size() > kMostStateBytes) return fail(Code::kTooLarge, "a state of too many bytes");
  Result<Node> root = settings::parse_json(text);
  if (!root) return fail(std::move(root).error());
  if (Result<> right = right_version(*root); !right) return fail(std::move(right).error());
  std::expected<SavedState, settings::Problems> state =
      settings::read<SavedState>(settings::Document{.file = {}, .path = {}, .root = *std::move(root), .problems = {}});
  if (!state) return fail(Code::kBadSyntax, state.error().all().front().line());
  if (const std::string fault = fault_of(*state); !fault.empty()) return fail(Code::kBadSyntax, fault);
  return *std::move(state);
}

std::int32_t writer_of(std::string_view text) {
  const Result<Node> root = settings::parse_json(text);
  const Node* const program = root && root->kind == Node::Kind::kMap ? root->find("program") : nullptr;
  const Node* const found = program != nullptr && program->kind == Node::Kind::kMap ? program->find("fd") : nullptr;
  std::int32_t fd = kNoFd;
  if (found == nullptr || found->kind != Node::Kind::kScalar) return kNoFd;
  const auto [end, wrong] = std::from_chars(found->text.data(), found->text.data() + found->text.size(), fd);
  return wrong == std::errc() && fd > 2 ? fd : kNoFd;
}

std::string write_addresses(const SavedAddresses& addresses) {
  return settings::to_json(addresses);
}

Result<SavedAddresses> read_addresses(std::string_view text) {
  return settings::from_json<SavedAddresses>(text);
}

std::string write_estate(const SavedEstate& estate) {
  return settings::to_json(estate);
}

Result<SavedEstate> read_estate(std::string_view text) {
  return settings::from_json<SavedEstate>(text);
}

std::vector<std::int32_t> descriptors_of(const SavedState& state) {
  std::vector<std::int32_t> all;
  add(all, state.program.fd);
  add(all, state.log_fd);
  add(all, state.control.fd);
  add(all, state.own_slab);
  for (const SavedClient& client : state.clients) add(all, client.fd);
  for (const SavedSlab& slab : state.slabs) add(all, slab.fd);
  for (const SavedOrphan& orphan : state.orphans) add(all, orphan.fd);
  for (const SavedAddress& address : state.addresses) {
    add(all, address.file.fd);
    for (const SavedSocket& socket : address.sockets) add(all, socket.fd);
  }
  add(all, state.datagrams);
  for (const SavedGeneration& generation : state.generations) add(all, generation);
  return all;
}

}  // namespace sluice::restart
