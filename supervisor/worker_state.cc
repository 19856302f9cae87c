// See worker_state.h.
#include "supervisor/worker_state.h"

#include "base/check.h"

namespace sluice::supervisor {

std::string_view name(WorkerState state) {
  switch (state) {
    case WorkerState::kWaiting:
      return "waiting";
    case WorkerState::kStarting:
      return "starting";
    case WorkerState::kReady:
      return "ready";
    case WorkerState::kDraining:
      return "draining";
    case WorkerState::kStopping:
      return "stopping";
    case WorkerState::kBackingOff:
      return "backing_off";
    case WorkerState::kCrashLoop:
      return "crash_loop";
    case WorkerState::kStopped:
      return "stopped";
  }
  SLUICE_CHECK(false, "no such worker state");
}

}  // namespace sluice::supervisor
