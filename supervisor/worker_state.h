// The life of a worker slot as the supervisor sees it. Events come in any order (its process ends, it says Ready, the
// operator drains), so the life cycle is a table of legal moves and not a program.
//
//                 process runs                 Ready
//   ┌─────────┐ ────────────▶ ┌──────────┐ ───────────────▶ ┌─────────┐
//   │ waiting │               │ starting │                  │  ready  │
//   └─────────┘ ◀──┐          └──────────┘                  └─────────┘
//     │     ▲      │ time       │  │   │ told to leave        │  │  │
//     │     │   ┌─────────────┐ │  │   └───────┐      Drain   │  │  │
//     │     │   │ backing_off │◀┘──│───────────│──────────────│──┘  │ ended by itself
//     │     │   └─────────────┘    │           ▼              ▼     │
//     │     │   ┌────────────┐     │      ┌──────────┐  ┌──────────┐│
//     │     └── │ crash_loop │ ◀───┴──────│──────────│──│──────────│┘ ended by itself, too often
//     │   time  └────────────┘            │ stopping │◀─│ draining │
//     ▼ told to leave: from every          └──────────┘  └──────────┘
//   ┌─────────┐ state without a process         │ ended       │ ended
//   │ stopped │ ◀───────────────────────────────┴─────────────┘
//   └─────────┘
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::supervisor {

enum class WorkerState : std::uint8_t {
  kWaiting,     ///< no process; the next start is due now
  kStarting,    ///< a process runs and has not said Ready
  kReady,       ///< it said Ready
  kDraining,    ///< told to finish what it has; takes no new connections
  kStopping,    ///< told to leave now, or killed by us; its end is near
  kBackingOff,  ///< ended by itself; a new start is due after a pause
  kCrashLoop,   ///< the same, but too often in a short time: said as an error, retried at the longest pause
  kStopped,     ///< left as it was told to; nothing follows
};
inline constexpr std::size_t kWorkerStates = 8;

[[nodiscard]] std::string_view name(WorkerState state);

struct WorkerMove {
  WorkerState from;
  WorkerState to;
  std::string_view when;
};

inline constexpr std::array kWorkerMoves = {
    WorkerMove{WorkerState::kWaiting, WorkerState::kStarting, "process runs"},
    WorkerMove{WorkerState::kWaiting, WorkerState::kBackingOff, "could not be started"},
    WorkerMove{WorkerState::kWaiting, WorkerState::kCrashLoop, "could not be started, again and again"},
    WorkerMove{WorkerState::kWaiting, WorkerState::kStopped, "told to leave"},
    WorkerMove{WorkerState::kStarting, WorkerState::kReady, "Ready"},
    WorkerMove{WorkerState::kStarting, WorkerState::kStopping, "told to leave"},
    WorkerMove{WorkerState::kStarting, WorkerState::kBackingOff, "ended by itself, or not Ready in time"},
    WorkerMove{WorkerState::kStarting, WorkerState::kCrashLoop, "ended by itself, too often"},
    WorkerMove{WorkerState::kReady, WorkerState::kDraining, "Drain"},
    WorkerMove{WorkerState::kReady, WorkerState::kStopping, "told to leave"},
    WorkerMove{WorkerState::kReady, WorkerState::kBackingOff, "ended by itself"},
    WorkerMove{WorkerState::kReady, WorkerState::kCrashLoop, "ended by itself, too often"},
    WorkerMove{WorkerState::kDraining, WorkerState::kStopping, "budget spent, or told to leave now"},
    WorkerMove{WorkerState::kDraining, WorkerState::kStopped, "ended"},
    WorkerMove{WorkerState::kStopping, WorkerState::kStopped, "ended"},
    WorkerMove{WorkerState::kBackingOff, WorkerState::kWaiting, "pause over"},
    WorkerMove{WorkerState::kBackingOff, WorkerState::kStopped, "told to leave"},
    WorkerMove{WorkerState::kCrashLoop, WorkerState::kWaiting, "pause over"},
    WorkerMove{WorkerState::kCrashLoop, WorkerState::kStopped, "told to leave"},
};

[[nodiscard]] constexpr bool may_move(WorkerState from, WorkerState to) {
  for (const WorkerMove& move : kWorkerMoves)
    if (move.from == from && move.to == to) return true;
  return false;
}

/// Is there a process in this state?
[[nodiscard]] constexpr bool has_process(WorkerState state) {
  return state == WorkerState::kStarting || state == WorkerState::kReady || state == WorkerState::kDraining ||
         state == WorkerState::kStopping;
}

}  // namespace sluice::supervisor
