// See plan.h.
#include "supervisor/plan.h"

#include <algorithm>

namespace sluice::supervisor {

restart::Needs Plan::needs() const {
  restart::Needs most = programs.empty() ? restart::Needs::kInPlace : restart::Needs::kGeneration;
  for (const settings::Change& change : changes) most = std::max(most, restart::needs_of(change.path));
  return most;
}

std::vector<std::string> Plan::paths() const {
  std::vector<std::string> paths;
  paths.reserve(changes.size());
  for (const settings::Change& change : changes) paths.push_back(change.path);
  return paths;
}

std::string Plan::fixed() const {
  const auto found = std::ranges::find_if(
      changes, [](const settings::Change& one) { return restart::needs_of(one.path) == restart::Needs::kRestart; });
  return found == changes.end() ? std::string() : found->path;
}

Plan plan_for(const Generation& serving, const Configuration& checked) {
  const Configuration& now = serving.configuration();
  Plan plan;
  plan.changes = ipc::changes(now.settings, checked.settings);
  if (checked.application.path != now.application.path || checked.application.identity != now.application.identity)
    plan.programs.push_back(checked.application.path);
  for (std::string& path : serving.changed_programs()) plan.programs.push_back(std::move(path));
  return plan;
}

}  // namespace sluice::supervisor
