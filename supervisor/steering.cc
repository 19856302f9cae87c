// See steering.h.
#include "supervisor/steering.h"

#include <algorithm>

#include "supervisor/bpf.h"

namespace sluice::supervisor {
namespace {
namespace map = restart::steering;

restart::steering::Maps maps_of(const Fd& current, const Fd& ranges, const Fd& sockets, const Fd& flows) {
  return {.current = current.get(), .ranges = ranges.get(), .sockets = sockets.get(), .flows = flows.get()};
}

std::uint32_t number_of(std::uint64_t generation) {
  return static_cast<std::uint32_t>(generation);
}

}  // namespace

std::string_view name(Steering::Kind kind) {
  switch (kind) {
    case Steering::Kind::kUndecided:
      return "none";
    case Steering::Kind::kBpf:
      return "bpf";
    case Steering::Kind::kForward:
      return "forward";
  }
  return "none";
}

Result<> Steering::decide(ipc::UdpSteering wanted) {
  if (kind_ != Kind::kUndecided) return {};
  if (wanted == ipc::UdpSteering::kForward) {
    kind_ = Kind::kForward;
    why_ = "upgrade.udp_steering says so";
    return {};
  }
  if (Result<> made = make_maps(); !made) {
    state_ = {};
    if (wanted == ipc::UdpSteering::kBpf)
      return fail(std::move(made).error().during("steering datagrams by BPF (upgrade.udp_steering)"));
    kind_ = Kind::kForward;
    why_ = made.error().message();
    return {};
  }
  kind_ = Kind::kBpf;
  return {};
}

// Everything that can be refused is tried here, the program too.
Result<> Steering::make_maps() {
  const auto make = [](Fd& into, const char* name, const bpf::MapShape& shape) -> Result<> {
    Result<Fd> made = bpf::make_map(name, shape);
    if (!made) return fail(std::move(made).error());
    into = *std::move(made);
    return {};
  };
  constexpr std::uint32_t kIndex = sizeof(std::uint32_t);
  Result<> made = make(state_.current, "sluice_current",
                       {.type = BPF_MAP_TYPE_ARRAY, .key_size = kIndex, .value_size = kIndex, .entries = 1});
  if (made)
    made = make(state_.ranges, "sluice_ranges",
                {.type = BPF_MAP_TYPE_ARRAY,
                 .key_size = kIndex,
                 .value_size = sizeof(map::Range),
                 .entries = map::kAddresses * map::kGenerations});
  if (made)
    made = make(state_.sockets, "sluice_sockets",
                {.type = BPF_MAP_TYPE_REUSEPORT_SOCKARRAY,
                 .key_size = kIndex,
                 .value_size = sizeof(std::uint64_t),
                 .entries = map::kSockets});
  if (made)
    made = make(state_.flows, "sluice_flows",
                {.type = BPF_MAP_TYPE_LRU_HASH,
                 .key_size = sizeof(map::FlowKey),
                 .value_size = sizeof(map::FlowEntry),
                 .entries = map::kFlows});
  if (!made) return made;
  Result<Fd> trial = bpf::load_reuseport_program(
      map::program(maps_of(state_.current, state_.ranges, state_.sockets, state_.flows), 0));
  if (!trial) return fail(std::move(trial).error());
  return {};
}

Result<std::uint32_t> Steering::add_address(int socket) {
  std::uint32_t address = 0;
  while (state_.programs.contains(address)) ++address;
  if (address == map::kAddresses) return fail(Code::kOverload, "more UDP addresses than can be steered");
  Result<Fd> program = bpf::load_reuseport_program(
      map::program(maps_of(state_.current, state_.ranges, state_.sockets, state_.flows), address));
  if (!program) return fail(std::move(program).error());
  if (Result<> attached = bpf::attach(socket, program->get()); !attached) return fail(std::move(attached).error());
  state_.programs.emplace(address, *std::move(program));
  return address;
}

void Steering::remove_address(std::uint32_t address) {
  for (auto at = ranges_.lower_bound({address, 0}); at != ranges_.end() && at->first.first == address;) {
    const Where where = at->first;
    ++at;
    store_range(where, {});
  }
  state_.programs.erase(address);
}

std::optional<std::uint32_t> Steering::place_of(std::uint64_t generation) {
  if (const auto found = places_.find(generation); found != places_.end()) return found->second;
  forget_unused_places();
  for (std::uint32_t place = 0; place < map::kGenerations; ++place) {
    const bool taken = std::ranges::any_of(places_, [&](const auto& one) { return one.second == place; });
    if (taken) continue;
    places_.emplace(generation, place);
    return place;
  }
  return std::nullopt;
}

void Steering::forget_unused_places() {
  std::erase_if(places_, [this](const auto& one) {
    return one.second != current_ &&
           std::ranges::none_of(ranges_, [&](const auto& range) { return range.first.second == one.second; });
  });
}

Result<> Steering::add(std::uint32_t address, std::uint64_t generation, const std::vector<int>& sockets,
                       std::uint32_t idle_seconds) {
  const std::optional<std::uint32_t> place = place_of(generation);
  const auto count = static_cast<std::uint32_t>(sockets.size());
  const std::optional<std::uint32_t> first = place ? spans_.take(count) : std::nullopt;
  if (!first) return fail(Code::kOverload, "no place left for the UDP sockets of another generation");
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t at = *first + i;
    const std::uint64_t socket = static_cast<std::uint64_t>(sockets[i]);
    if (Result<> put = bpf::put(state_.sockets.get(), &at, &socket); !put) {
      for (std::uint32_t gone = *first; gone < at; ++gone) (void)bpf::remove(state_.sockets.get(), &gone);
      spans_.give_back(*first);
      return put;
    }
  }
  const map::Range range{
      .generation = number_of(generation), .first = *first, .count = count, .idle_seconds = idle_seconds};
  store_range({address, *place}, range);
  return {};
}

void Steering::store_range(Where where, const map::Range& range) {
  const std::uint32_t at = where.first * map::kGenerations + where.second;
  (void)bpf::put(state_.ranges.get(), &at, &range);
  if (range.count == 0) {
    ranges_.erase(where);
  } else {
    ranges_[where] = range;
  }
}

void Steering::steer_away(std::uint32_t address, std::uint64_t generation, std::uint32_t worker) {
  const auto place = places_.find(generation);
  if (place == places_.end()) return;
  const auto range = ranges_.find({address, place->second});
  if (range == ranges_.end() || worker >= range->second.count) return;
  const std::uint32_t at = range->second.first + worker;
  (void)bpf::remove(state_.sockets.get(), &at);
}

// Its range may stand at the places of later generations too, which do not have the address.
void Steering::remove(std::uint32_t address, std::uint64_t generation) {
  std::vector<Where> its;
  std::optional<map::Range> range;
  for (auto at = ranges_.lower_bound({address, 0}); at != ranges_.end() && at->first.first == address; ++at) {
    if (at->second.generation != number_of(generation)) continue;
    its.push_back(at->first);
    range = at->second;
  }
  if (!range) return;
  for (const Where& where : its) store_range(where, {});
  for (std::uint32_t i = 0; i < range->count; ++i) {
    const std::uint32_t at = range->first + i;
    (void)bpf::remove(state_.sockets.get(), &at);
  }
  spans_.give_back(range->first);
}

void Steering::make_current(std::uint64_t generation) {
  if (kind_ != Kind::kBpf) return;
  const std::optional<std::uint32_t> place = place_of(generation);
  if (!place) return;  // it has no UDP address, and nobody has a place to lose
  for (const auto& [address, program] : state_.programs) {
    if (ranges_.contains({address, *place})) continue;
    if (const auto now = ranges_.find({address, current_}); now != ranges_.end())
      store_range({address, *place}, now->second);
  }
  current_ = *place;
  const std::uint32_t only = 0;
  (void)bpf::put(state_.current.get(), &only, &current_);
}

Steering::Count Steering::count() const {
  Count count{.ranges = static_cast<std::uint32_t>(ranges_.size()),
              .addresses = static_cast<std::uint32_t>(state_.programs.size())};
  if (kind_ != Kind::kBpf) return count;
  std::vector<std::uint32_t> firsts;
  for (const auto& [where, range] : ranges_) {
    if (std::ranges::find(firsts, range.first) != firsts.end()) continue;
    firsts.push_back(range.first);
    for (std::uint32_t i = 0; i < range.count; ++i) {
      const std::uint32_t at = range.first + i;
      std::uint64_t cookie = 0;
      if (bpf::get(state_.sockets.get(), &at, &cookie)) ++count.sockets;
    }
  }
  return count;
}

}  // namespace sluice::supervisor
