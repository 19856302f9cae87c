// See phase.h.
#include "restart/phase.h"

#include "base/check.h"

namespace sluice::restart {

std::string_view name(Phase phase) {
  switch (phase) {
    case Phase::kWaiting:
      return "waiting";
    case Phase::kPreflight:
      return "preflight";
    case Phase::kExec:
      return "exec";
    case Phase::kSpawn:
      return "spawn";
    case Phase::kCommit:
      return "commit";
    case Phase::kProbation:
      return "probation";
    case Phase::kDrain:
      return "drain";
    case Phase::kEnded:
      return "ended";
    case Phase::kFailed:
      return "failed";
    case Phase::kFlipBack:
      return "flip_back";
  }
  SLUICE_CHECK(false, "no such phase");
}

std::optional<Phase> parse_phase(std::string_view text) {
  for (std::size_t i = 0; i < kPhases; ++i)
    if (const auto phase = static_cast<Phase>(i); name(phase) == text) return phase;
  return std::nullopt;
}

}  // namespace sluice::restart
