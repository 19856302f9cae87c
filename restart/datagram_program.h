// The program that the kernel asks which socket a datagram goes to (BPF_PROG_TYPE_SK_REUSEPORT), and the memory that it
// shares with the supervisor. Written as instructions: no BPF compiler is needed to build Sluice, and what runs in the
// kernel can be read here.
//
// What it does: a flow (addresses and ports) that is known goes to the generation it is known for, as long as that one
// lives and the flow has not been silent for too long. Any other goes to the generation that is current, and is known
// from then on. Within a generation the kernel's hash of the flow says which worker. So the switch to another
// generation, and back, is one store into kCurrent. Where a QUIC connection ID says generation and worker by itself,
// that decision goes before the look at the flow (label "flow").
//
// One program per address, because the program does not see which one it serves; all share the four maps. It is
// attached once, when the address is bound, and serves all generations: attaching another would change the way of the
// old ones' datagrams too. Values and pure functions; the calls are supervisor/bpf.h.
#pragma once
#include <linux/bpf.h>

#include <cstdint>
#include <vector>

namespace sluice::restart::steering {

/// Bounds of the maps. Generations here are places, taken anew when a generation has gone.
inline constexpr std::uint32_t kAddresses = 1024;
inline constexpr std::uint32_t kGenerations = 128;
inline constexpr std::uint32_t kSockets = 65'536;
/// Flows that are known; of more, those that were silent longest are forgotten. Forgetting one costs nothing while its
/// generation is current.
inline constexpr std::uint32_t kFlows = 65'536;

/// Value of the map of ranges, at address * kGenerations + place: the sockets that a generation has at an address.
struct Range {
  std::uint32_t generation;  ///< its number (lower half): a flow of the one that had this place before is not ours
  std::uint32_t first;       ///< into the map of sockets
  std::uint32_t count;       ///< 0: none
  std::uint32_t idle_seconds;
};
/// Key and value of the map of flows.
struct FlowKey {
  std::uint8_t addresses[32];  ///< source and destination: 8 bytes of IPv4, 32 of IPv6
  std::uint32_t ports;
  std::uint32_t address;
};
struct FlowEntry {
  std::uint32_t place;
  std::uint32_t generation;
  std::uint64_t last_seen;  ///< nanoseconds of the kernel's monotonic clock
};
static_assert(sizeof(Range) == 16 && sizeof(FlowKey) == 40 && sizeof(FlowEntry) == 16);

/// Descriptors of the maps.
struct Maps {
  int current;  ///< array of one u32: the place of the generation that serves
  int ranges;   ///< array of Range
  int sockets;  ///< BPF_MAP_TYPE_REUSEPORT_SOCKARRAY
  int flows;    ///< LRU hash of FlowKey and FlowEntry
};

/// The program for the address with this index.
[[nodiscard]] std::vector<bpf_insn> program(const Maps& maps, std::uint32_t address);

}  // namespace sluice::restart::steering
