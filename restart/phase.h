// The life of an upgrade as a table of legal moves: its events (a child's exit, Ready, a crash, the operator) come in
// any order. docs/restart.md draws it and has the same table; a test compares them.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::restart {

enum class Phase : std::uint8_t {
  kWaiting,    ///< another upgrade runs
  kPreflight,  ///< the new configuration and binary are checked by a child; nothing has been touched
  kExec,       ///< the supervisor becomes its new program
  kSpawn,      ///< addresses are bound, the new generation starts; nobody connects to it yet
  kCommit,     ///< the new generation accepts, the old one does not any more
  kProbation,  ///< the old generation is kept warm
  kDrain,      ///< the old generation ends what it has
  kEnded,      ///< the ledger is closed
  kFailed,     ///< given up before the commit; the old generation never noticed
  kFlipBack,   ///< given up after the commit: the old generation accepts again, the new one drains
};
inline constexpr std::size_t kPhases = 10;
[[nodiscard]] std::string_view name(Phase phase);
[[nodiscard]] std::optional<Phase> parse_phase(std::string_view name);

struct PhaseMove {
  Phase from;
  Phase to;
  std::string_view when;
};
inline constexpr std::array kPhaseMoves = {
    PhaseMove{Phase::kWaiting, Phase::kPreflight, "the one before is past its probation, or has failed"},
    PhaseMove{Phase::kWaiting, Phase::kFailed, "Sluice is told to leave"},
    PhaseMove{Phase::kPreflight, Phase::kSpawn, "in order, and different from what runs"},
    PhaseMove{Phase::kPreflight, Phase::kEnded, "nothing to do, or done in place"},
    PhaseMove{Phase::kPreflight, Phase::kFailed, "problems, no end in time, or told to leave"},
    PhaseMove{Phase::kPreflight, Phase::kExec, "in order, and the supervisor's own program differs"},
    PhaseMove{Phase::kExec, Phase::kSpawn, "the new program has taken over"},
    PhaseMove{Phase::kExec, Phase::kFailed, "it cannot be executed, gives the state back, or the upgrade is refused"},
    PhaseMove{Phase::kSpawn, Phase::kCommit, "every new worker is ready"},
    PhaseMove{Phase::kSpawn, Phase::kFailed,
              "an address is taken, a worker ends or is not ready in time, or told to leave"},
    PhaseMove{Phase::kCommit, Phase::kProbation, "the listening sockets have changed hands"},
    PhaseMove{Phase::kProbation, Phase::kDrain, "the time is over, or told to leave"},
    PhaseMove{Phase::kProbation, Phase::kFlipBack, "the new workers crash"},
    PhaseMove{Phase::kFlipBack, Phase::kDrain, "the listening sockets have changed hands back"},
    PhaseMove{Phase::kDrain, Phase::kEnded, "the last process of the leaving generation has ended"},
};

[[nodiscard]] constexpr bool may_move(Phase from, Phase to) {
  for (const PhaseMove& move : kPhaseMoves)
    if (move.from == from && move.to == to) return true;
  return false;
}

}  // namespace sluice::restart
