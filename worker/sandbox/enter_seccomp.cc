// The last layer: from here on only what policy.cc lists.
#include "worker/sandbox/layers.h"

namespace sluice::worker {

Result<Protection> enter_seccomp(seccomp::Mode mode, Sources sources) {
  if (mode == seccomp::Mode::kOff)
    return Protection{.name = "seccomp", .on = false, .why = "switched off by the configuration"};
  if (auto loaded = seccomp::allow_only(worker_policy(sources), mode); !loaded) return fail(std::move(loaded).error());
  if (mode == seccomp::Mode::kLog)
    return Protection{.name = "seccomp", .on = false, .why = "log: what is not on the list is let through and logged"};
  return Protection{.name = "seccomp", .on = true, .why = "kill"};
}

}  // namespace sluice::worker
