// A seccomp policy as data: one row per system call, each with the reason why it is there. Two policies exist: what a
// worker may do (worker/sandbox/policy.cc, everything else kills) and what the supervisor and all its children may
// never do (supervisor/seccomp.cc). This file turns rows into a kernel filter, by libseccomp.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"

namespace sluice::seccomp {

enum class Mode : std::uint8_t {
  kKill,  ///< a call outside the policy ends the process with SIGSYS, which the supervisor sees
  kLog,   ///< it is let through and the kernel logs its number: for working out what a profile would block
  kOff,   ///< no filter
};
[[nodiscard]] std::string_view name(Mode mode);

/// A condition on one argument: (value & mask) == wanted.
struct Condition {
  unsigned argument;
  std::uint64_t mask;
  std::uint64_t wanted;
};

/// One row. Several rows for one call are alternatives; the conditions within a row must all hold.
struct Row {
  int call;
  std::string_view why;
  std::span<const Condition> when = {};
};

/// Lets the rows through and treats everything else, and every foreign architecture's call, as the mode says.
[[nodiscard]] Result<> allow_only(std::span<const Row> rows, Mode mode);

/// Answers the rows with EPERM (or kills, for kKill) and lets everything else through.
enum class Refusal : std::uint8_t { kPermission, kKill };
[[nodiscard]] Result<> forbid(std::span<const Row> rows, Refusal refusal);

}  // namespace sluice::seccomp
