// What concerns datagrams in the state of the supervisor (saved_state.h): UDP sockets and how they are steered. Values.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/settings/describe.h"
#include "restart/saved_worker.h"

namespace sluice::restart {

struct SavedUdpSocket {
  std::uint32_t number = 0;
  std::int32_t fd = kNoFd;

  static constexpr std::string_view about = "A UDP socket.";
  static constexpr void describe(auto& f) {
    using S = SavedUdpSocket;
    f(&S::number, "number", "As workers know it.");
    f(&S::fd, "fd", "").range(0, 1 << 30);
  }
};
static_assert(settings::complete<SavedUdpSocket>());

struct SavedUdpAddress {
  std::string key;
  std::string configured;
  std::string bound;
  std::uint32_t index = 0;
  std::int32_t program = kNoFd;
  std::vector<SavedUdpSocket> shared;

  static constexpr std::string_view about = "An address that takes datagrams.";
  static constexpr void describe(auto& f) {
    using S = SavedUdpAddress;
    f(&S::key, "key", "What makes it the same in two generations.");
    f(&S::configured, "configured", "As the configuration has it.");
    f(&S::bound, "bound", "With the real port.");
    f(&S::index, "index", "In the maps.");
    f(&S::program, "program", "That steers; -1: none does.").range(-1, 1 << 30);
    f(&S::shared, "shared", "Sockets that go from generation to generation.");
  }
};
static_assert(settings::complete<SavedUdpAddress>());

struct SavedUdpShare {
  std::string key;
  std::uint64_t generation = 0;
  std::vector<SavedUdpSocket> sockets;

  static constexpr std::string_view about = "The sockets that a generation has of its own at an address.";
  static constexpr void describe(auto& f) {
    using S = SavedUdpShare;
    f(&S::key, "key", "Of the address.");
    f(&S::generation, "generation", "").at_least(1);
    f(&S::sockets, "sockets", "By worker.");
  }
};
static_assert(settings::complete<SavedUdpShare>());

struct SavedUdpPlace {
  std::uint64_t generation = 0;
  std::uint32_t place = 0;

  static constexpr std::string_view about = "Where a generation stands in the map of ranges.";
  static constexpr void describe(auto& f) {
    using S = SavedUdpPlace;
    f(&S::generation, "generation", "");
    f(&S::place, "place", "");
  }
};
static_assert(settings::complete<SavedUdpPlace>());

struct SavedUdpRange {
  std::uint32_t address = 0;
  std::uint32_t place = 0;
  std::uint32_t generation = 0;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  std::uint32_t idle_seconds = 0;

  static constexpr std::string_view about = "What stands in the map of ranges (datagram_program.h).";
  static constexpr void describe(auto& f) {
    using S = SavedUdpRange;
    f(&S::address, "address", "");
    f(&S::place, "place", "");
    f(&S::generation, "generation", "");
    f(&S::first, "first", "");
    f(&S::count, "count", "");
    f(&S::idle_seconds, "idle_seconds", "");
  }
};
static_assert(settings::complete<SavedUdpRange>());

struct SavedDatagrams {
  std::uint32_t kind = 0;
  std::string why;
  std::vector<std::int32_t> maps;
  std::uint32_t current = 0;
  std::vector<SavedUdpPlace> places;
  std::vector<SavedUdpRange> ranges;
  std::vector<SavedUdpAddress> addresses;
  std::vector<SavedUdpShare> shares;

  static constexpr std::string_view about = "UDP sockets and their steering.";
  static constexpr void describe(auto& f) {
    using S = SavedDatagrams;
    f(&S::kind, "kind", "Not decided (0), bpf (1), forward (2).").range(0, 2);
    f(&S::why, "why", "Why it is not bpf.");
    f(&S::maps, "maps", "Descriptors: current, ranges, sockets, flows; none without bpf.").range(0, 1 << 30);
    f(&S::current, "current", "The place of the generation that serves.");
    f(&S::places, "places", "");
    f(&S::ranges, "ranges", "");
    f(&S::addresses, "addresses", "");
    f(&S::shares, "shares", "");
  }
};
static_assert(settings::complete<SavedDatagrams>());

}  // namespace sluice::restart
