// What can be wrong with a program that is to be run, the application's or the supervisor's own: found out by opening
// it, starting it and reading what it says, each of which has its own way to fail. An operator does something else
// about each, so an upgrade has an outcome for each (restart/outcome.h).
#pragma once
#include <cstdint>

#include "base/error.h"
#include "restart/outcome.h"

namespace sluice::supervisor {
struct Output;

enum class ProgramFault : std::uint8_t {
  kMissing,
  kNotExecutable,
  kFormat,  ///< the kernel cannot execute it: for another machine, without its loader, no program at all
  kSilent,  ///< ended with status 0 and said nothing
  kFailed,  ///< crashed, or ended with another status
  kHangs,
  kOther,   ///< it runs and answers, but not as it should
  kNotIts,  ///< no program could have been run: no memory, no descriptors
};

/// What is wrong, in one word and in one sentence.
struct ProgramTrouble {
  ProgramFault fault;
  Error error;
};

/// Of an error of open_binary().
[[nodiscard]] ProgramFault fault_of_opening(const Error& error);
/// Of an error of run_sandboxed() or run_beside().
[[nodiscard]] ProgramFault fault_of_running(const Error& error);
/// Of a run that came to its end, but not with what was asked for.
[[nodiscard]] ProgramFault fault_of_answer(const Output& output);

enum class WhoseProgram : std::uint8_t { kApplication, kSupervisor };
[[nodiscard]] restart::Outcome outcome_of(WhoseProgram whose, ProgramFault fault);

}  // namespace sluice::supervisor
