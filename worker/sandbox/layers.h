// The layers of the sandbox, one function and one file each, in the order in which sandbox.cc calls them. Each one says
// what it achieved as a Protection; those that cannot fail on a healthy kernel return a Result, so that a worker
// without them does not start.
#pragma once
#include <cstdint>

#include "base/protection.h"
#include "base/result.h"
#include "base/seccomp.h"
#include "worker/sandbox/policy.h"

namespace sluice::worker {

/// NOFILE as asked; no core dumps, no files, no processes, no locked memory, no message queues, no priorities.
[[nodiscard]] Result<Protection> set_limits(std::uint64_t descriptors);

/// An empty, read-only tmpfs as "/", everything else unmounted from a mount namespace of our own.
[[nodiscard]] Protection empty_root();

/// Every capability gone, from all five sets.
[[nodiscard]] Result<Protection> drop_capabilities();

/// Not even exec of a set-user-id program could give a right back, and no one of our own uid may look into our memory.
[[nodiscard]] Result<Protection> no_new_privileges();

/// No file by any path, no TCP port, no signal and no abstract UNIX socket outside: as far as the kernel's ABI goes.
/// With chosen sources TCP sockets may be bound to port 0, which is the kernel's to replace.
[[nodiscard]] Protection enter_landlock(Sources sources);

/// The last one, because it forbids what the others need.
[[nodiscard]] Result<Protection> enter_seccomp(seccomp::Mode mode, Sources sources);

}  // namespace sluice::worker
