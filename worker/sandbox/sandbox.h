// The door: after enter_sandbox() the process can compute, use the descriptors it has, and open TCP and UDP sockets,
// and nothing else; there is no way back. The layers overlap on purpose (an empty root *and* Landlock *and* no open(2)
// in the filter), so that one hole does not open the house. docs/privileges.md has the reason for each.
//
// Owner: called once by boot, with a single thread, before any byte of a client has been read.
#pragma once
#include <cstdint>
#include <vector>

#include "base/protection.h"
#include "base/result.h"
#include "base/seccomp.h"
#include "worker/sandbox/policy.h"

namespace sluice::worker {

enum class Layer : std::uint8_t { kOn, kOff };

struct SandboxOptions {
  seccomp::Mode seccomp = seccomp::Mode::kKill;
  Layer namespaces = Layer::kOn;  ///< the empty root; the rest of them is the spawner's
  Layer landlock = Layer::kOn;
  Sources sources = Sources::kKernel;
  std::uint64_t descriptors = 65536;  ///< RLIMIT_NOFILE, cut to the hard limit
};

/// Errors: a protection that needs no privilege (capabilities, no_new_privs, limits, seccomp) could not be switched on.
/// One that depends on the machine (empty root, Landlock) is reported as off instead.
[[nodiscard]] Result<std::vector<Protection>> enter_sandbox(const SandboxOptions& options);

}  // namespace sluice::worker
