// Steering: how datagrams find the generation that has their flow.
//
//   bpf      The kernel decides, by a program of ours (restart/datagram_program.h). Every worker of every generation
//   has
//            a socket of its own at each address; the switch is one store for all addresses together.
//   forward  Where the kernel does not let us: sockets belong to the address and go from generation to generation, one
//            reader each; readers pass on what belongs to others (worker/onramp/udp/relay.h).
//
// Which of them is decided once, when the first address for datagrams is bound, and holds until Sluice ends. All that
// the kernel has of us lies in State. Owned by Generations.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "ipc/settings/settings.h"
#include "restart/datagram_program.h"
#include "restart/spans.h"

namespace sluice::restart {
struct SavedDatagrams;
}

namespace sluice::supervisor {

class Steering {
 public:
  enum class Kind : std::uint8_t { kUndecided, kBpf, kForward };

  /// Errors: a sentence, when bpf is wanted and cannot be had.
  [[nodiscard]] Result<> decide(ipc::UdpSteering wanted);
  [[nodiscard]] Kind kind() const { return kind_; }
  /// Why it is not bpf; empty when it is.
  [[nodiscard]] const std::string& why() const { return why_; }

  /// bpf: an address with the group of `socket`. Errors: kSystem, kOverload.
  [[nodiscard]] Result<std::uint32_t> add_address(int socket);
  void remove_address(std::uint32_t address);

  /// bpf: the sockets of a generation at an address, by worker; it gets nothing before it is current. Errors: as above.
  [[nodiscard]] Result<> add(std::uint32_t address, std::uint64_t generation, const std::vector<int>& sockets,
                             std::uint32_t idle_seconds);
  /// No datagram goes to this worker any more: its flows begin anew in the generation that is current.
  void steer_away(std::uint32_t address, std::uint64_t generation, std::uint32_t worker);
  void remove(std::uint32_t address, std::uint64_t generation);

  /// The switch: new flows go to this generation from now on. Addresses that it does not have stay with who has them.
  void make_current(std::uint64_t generation);

  /// What is in the maps, for people and tests.
  struct Count {
    std::uint32_t sockets = 0;
    std::uint32_t ranges = 0;
    std::uint32_t addresses = 0;
  };
  [[nodiscard]] Count count() const;

  // saved_datagrams.cc
  void save(restart::SavedDatagrams& into) const;
  void go_on(const restart::SavedDatagrams& saved);
  /// -1 without one.
  [[nodiscard]] int program_of(std::uint32_t address) const {
    const auto found = state_.programs.find(address);
    return found != state_.programs.end() ? found->second.get() : -1;
  }

 private:
  struct State {
    Fd current;
    Fd ranges;
    Fd sockets;
    Fd flows;
    std::map<std::uint32_t, Fd> programs;  // by address
  };
  using Where = std::pair<std::uint32_t, std::uint32_t>;  // address, place

  [[nodiscard]] Result<> make_maps();
  [[nodiscard]] std::optional<std::uint32_t> place_of(std::uint64_t generation);
  void store_range(Where where, const restart::steering::Range& range);
  void forget_unused_places();

  Kind kind_ = Kind::kUndecided;
  std::string why_;
  State state_;
  std::map<std::uint64_t, std::uint32_t> places_;  // by generation
  std::map<Where, restart::steering::Range> ranges_;
  restart::Spans spans_{restart::steering::kSockets};
  std::uint32_t current_ = 0;
};

/// "bpf", "forward", "none".
[[nodiscard]] std::string_view name(Steering::Kind kind);

}  // namespace sluice::supervisor
