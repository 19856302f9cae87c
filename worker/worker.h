// The worker's life: boot, sandbox, the application's start, service, drain, end. An application is what app/run makes
// of the writer's settings and hooks, with their types erased.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "app/sluice/hook.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/result.h"
#include "base/settings/document.h"
#include "ipc/messages.h"

namespace sluice::worker {

struct Application {
  std::string name;
  std::string version;
  /// Makes the hooks from the tenant's `settings` and what the workers before had to say, inside the sandbox. Errors:
  /// end the worker before it is Ready, with the reason told.
  std::function<Result<detail::HookSet>(const settings::Node& section, std::span<const ParentState> parents, Log& log)>
      start;
  /// Only of the admin application: slabs of other workers, at start and whenever one comes.
  std::function<void(const ipc::Slabs& slabs, std::vector<Fd> fds)> slabs;
};

/// Runs until told to stop. Returns the process's exit status.
[[nodiscard]] int run_worker(const Application& application);

}  // namespace sluice::worker
