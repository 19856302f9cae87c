// Fault points: named places in the course of an upgrade at which a test can let a process die, stop or wait. They
// exist only in builds with SLUICE_FAULT_POINTS (the everyday and the sanitizer build, never a release); elsewhere they
// are nothing.
//
// Who is told by the environment: SLUICE_FAULTS, for supervisor and workers, is read once; SLUICE_FAULT_FILE is a file
// with the same words that the supervisor reads anew at each point, so that a test can say later what is to happen. The
// words: POINT=kill, POINT=stop or POINT=sleep:MILLISECONDS, with POINT@GENERATION for workers of one generation only.
// In the log each point that is reached and told of is an event.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::restart {

enum class FaultPoint : std::uint8_t {
  kPreflightBefore,
  kPreflightAfter,
  kInPlaceBefore,
  kInPlaceMiddle,
  kExecBefore,
  kExecAfter,
  kSpawnBefore,
  kSpawnBound,
  kSpawnStarted,
  kCommitBefore,
  kCommitListening,
  kCommitMiddle,
  kCommitAccepting,
  kCommitPausing,
  kCommitAfter,
  kProbationOver,
  kFlipBackBefore,
  kFlipBackAfter,
  kDrainBefore,
  kDrainAfter,
  kWorkerReady,
  kWorkerAccept,
  kWorkerPause,
  kWorkerAdopt,
  kWorkerTakeOver,
  kWorkerDrain,
  kWorkerDrained,
};

struct FaultPointFacts {
  FaultPoint point;
  std::string_view name;
  std::string_view where;
};
inline constexpr std::array kFaultPoints = {
    FaultPointFacts{FaultPoint::kPreflightBefore, "preflight.before", "an upgrade begins"},
    FaultPointFacts{FaultPoint::kPreflightAfter, "preflight.after", "the child has answered"},
    FaultPointFacts{FaultPoint::kInPlaceBefore, "in_place.before", "all workers are prepared, none has been told"},
    FaultPointFacts{FaultPoint::kInPlaceMiddle, "in_place.middle", "a worker has been told to go over"},
    FaultPointFacts{FaultPoint::kExecBefore, "exec.before", "the supervisor is about to become its new program"},
    FaultPointFacts{FaultPoint::kExecAfter, "exec.after", "the new program has taken over"},
    FaultPointFacts{FaultPoint::kSpawnBefore, "spawn.before", "nothing is bound yet"},
    FaultPointFacts{FaultPoint::kSpawnBound, "spawn.bound", "addresses are bound, nothing is started"},
    FaultPointFacts{FaultPoint::kSpawnStarted, "spawn.started", "the new workers start"},
    FaultPointFacts{FaultPoint::kCommitBefore, "commit.before", "the new workers are ready"},
    FaultPointFacts{FaultPoint::kCommitListening, "commit.listening", "all sockets listen, no new worker accepts"},
    FaultPointFacts{FaultPoint::kCommitMiddle, "commit.middle", "one new worker has been told to accept"},
    FaultPointFacts{FaultPoint::kCommitAccepting, "commit.accepting", "all have been told, the old ones accept too"},
    FaultPointFacts{FaultPoint::kCommitPausing, "commit.pausing", "one old worker has been told to pause"},
    FaultPointFacts{FaultPoint::kCommitAfter, "commit.after", "all have been told everything"},
    FaultPointFacts{FaultPoint::kProbationOver, "probation.over", "the new generation has proved itself"},
    FaultPointFacts{FaultPoint::kFlipBackBefore, "flip_back.before", "the new workers have crashed too often"},
    FaultPointFacts{FaultPoint::kFlipBackAfter, "flip_back.after", "the old ones have been told to accept again"},
    FaultPointFacts{FaultPoint::kDrainBefore, "drain.before", "nobody has been told to drain"},
    FaultPointFacts{FaultPoint::kDrainAfter, "drain.after", "the leaving workers have been told to drain"},
    FaultPointFacts{FaultPoint::kWorkerReady, "worker.ready", "a worker is about to say Ready"},
    FaultPointFacts{FaultPoint::kWorkerAccept, "worker.accept", "a worker has been told to accept"},
    FaultPointFacts{FaultPoint::kWorkerPause, "worker.pause", "a worker has been told to pause"},
    FaultPointFacts{FaultPoint::kWorkerAdopt, "worker.adopt", "a worker has been told to go over to other settings"},
    FaultPointFacts{FaultPoint::kWorkerTakeOver, "worker.take_over", "a worker has been offered a connection"},
    FaultPointFacts{FaultPoint::kWorkerDrain, "worker.drain", "a worker has been told to drain"},
    FaultPointFacts{FaultPoint::kWorkerDrained, "worker.drained", "a worker is about to say Drained"},
};

#ifdef SLUICE_FAULT_POINTS
/// Reached. Returns, or not. `generation`: of the worker; 0 in the supervisor.
void fault_point(FaultPoint at, std::uint64_t generation);
#else
inline void fault_point(FaultPoint /*at*/, std::uint64_t /*generation*/) {}
#endif

}  // namespace sluice::restart
