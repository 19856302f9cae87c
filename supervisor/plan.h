// What a configuration that has passed its checks would change of what runs, and what that needs (restart/change.h).
// The upgrader does it, `sluicectl diff` shows it.
#pragma once
#include <string>
#include <vector>

#include "base/settings/node_writer.h"
#include "restart/change.h"
#include "supervisor/generation.h"

namespace sluice::supervisor {

struct Plan {
  std::vector<settings::Change> changes;
  std::vector<std::string> programs;  ///< paths of those whose file has changed, or that are others now

  [[nodiscard]] bool nothing() const { return changes.empty() && programs.empty(); }
  /// Of all of it together; meaningless when there is nothing.
  [[nodiscard]] restart::Needs needs() const;
  /// Paths of the settings.
  [[nodiscard]] std::vector<std::string> paths() const;
  /// The first setting that only a restart can change; empty when there is none.
  [[nodiscard]] std::string fixed() const;
};
[[nodiscard]] Plan plan_for(const Generation& serving, const Configuration& checked);

}  // namespace sluice::supervisor
