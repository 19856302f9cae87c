// See program_fault.h.
#include "supervisor/program_fault.h"

#include <cerrno>

#include "base/check.h"
#include "supervisor/spawn.h"

namespace sluice::supervisor {
using restart::Outcome;

ProgramFault fault_of_opening(const Error& error) {
  switch (error.sys()) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
      return ProgramFault::kMissing;
    case EACCES:
    case EPERM:
      return ProgramFault::kNotExecutable;
    default:
      return error.sys() != 0 ? ProgramFault::kNotIts : ProgramFault::kOther;
  }
}

ProgramFault fault_of_running(const Error& error) {
  if (error.code() == Code::kTimeout) return ProgramFault::kHangs;
  switch (error.sys()) {
    case ENOEXEC:
    case ENOENT:  // its loader or interpreter: the file itself is open
    case ELIBBAD:
    case EINVAL:
      return ProgramFault::kFormat;
    case EACCES:  // a file system that is mounted noexec
      return ProgramFault::kNotExecutable;
    default:
      return error.sys() != 0 ? ProgramFault::kNotIts : ProgramFault::kOther;
  }
}

ProgramFault fault_of_answer(const Output& output) {
  if (output.status != 0) return ProgramFault::kFailed;
  return output.output.empty() ? ProgramFault::kSilent : ProgramFault::kOther;
}

Outcome outcome_of(WhoseProgram whose, ProgramFault fault) {
  const bool application = whose == WhoseProgram::kApplication;
  switch (fault) {
    case ProgramFault::kMissing:
      return application ? Outcome::kApplicationMissing : Outcome::kSupervisorMissing;
    case ProgramFault::kNotExecutable:
      return application ? Outcome::kApplicationNotExecutable : Outcome::kSupervisorNotExecutable;
    case ProgramFault::kFormat:
      return application ? Outcome::kApplicationFormat : Outcome::kSupervisorFormat;
    case ProgramFault::kSilent:
      return application ? Outcome::kApplicationSilent : Outcome::kSupervisorSilent;
    case ProgramFault::kFailed:
      return application ? Outcome::kApplicationFailed : Outcome::kSupervisorFailed;
    case ProgramFault::kHangs:
      return application ? Outcome::kApplicationHangs : Outcome::kSupervisorHangs;
    case ProgramFault::kOther:
      return application ? Outcome::kApplication : Outcome::kSupervisor;
    case ProgramFault::kNotIts:
      return Outcome::kPreflight;
  }
  SLUICE_CHECK(false, "no such fault");
}

}  // namespace sluice::supervisor
