// The supervisor's own seccomp filter.
//
// A filter is inherited by every child and can never be loosened again, and our children are, for a moment, whole
// programs: the dynamic linker, the application's static initialisers, its --describe and --check. An allow-list here
// would have to allow all that a C++ program may ever do. So this is the other kind: a list of what neither the
// supervisor, nor a worker before its door, nor any honest application has business with, refused with EPERM for good.
// Workers put the real thing, an allow-list that kills, on top (worker/sandbox/policy.cc).
#pragma once
#include <span>
#include <string>

#include "base/protection.h"
#include "base/result.h"
#include "base/seccomp.h"

namespace sluice::supervisor {

/// Once, at start, before any configuration is read. Sets no_new_privs too. A filter stays over an exec, so one that
/// the process `has` already is not loaded again.
[[nodiscard]] Result<Protection> enter_seccomp(std::span<const std::string> has);
/// And this, once the estate of a supervisor before us is ours: descriptors of other processes are out of reach for
/// good, here and in every child. It stays over an exec too.
[[nodiscard]] Result<> forbid_reaching_into_others();
/// What tells this program's filter from another's.
[[nodiscard]] std::string filter_fingerprint();

[[nodiscard]] std::span<const seccomp::Row> supervisor_refusals();

}  // namespace sluice::supervisor
