// As PID 1 of a container the supervisor inherits the orphans of everything that runs there; somebody has to reap them.
#pragma once
#include <sys/types.h>

#include <functional>

namespace sluice::supervisor {

/// Reaps every ended child for which `ours` is false; stops at the first ended one that is ours, which its own watcher
/// reaps (call again after that). Never waits. Returns how many.
int reap_orphans(const std::function<bool(pid_t)>& ours);

}  // namespace sluice::supervisor
