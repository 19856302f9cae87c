// The parent's half of starting a child: namespaces, the clone, id maps, control group, OOM score, the word "go", and
// the news whether exec worked. spawn() (workers) and run_sandboxed() (tool runs) differ only in the plan they give.
#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "supervisor/child.h"
#include "supervisor/spawn.h"

namespace sluice::supervisor {

struct LaunchPlan {
  int binary;
  std::span<const std::string> arguments;
  std::array<int, 4> descriptors;  ///< borrowed; any numbers
  std::optional<Ids> ids;
  std::uint64_t namespaces;
  std::uint32_t inner_id;  ///< uid and gid as seen inside a user namespace: 0 keeps its rights over exec, others do not
  Cgroup* cgroup = nullptr;
  int oom_score_adjust = 0;
  Restrict restrict_to = Restrict::kNothing;
  int landlock = -1;
  std::span<const Limit> limits;
  Left left = Left::kDies;
  unsigned most_seconds = 0;  ///< as in ChildPlan
};

/// Returns when the program runs.
[[nodiscard]] Result<Spawned> launch(const LaunchPlan& plan);

/// Waits for the end and gives the status as waitpid(2) does.
int reap(pid_t pid);

}  // namespace sluice::supervisor
