// Which private namespaces a child can have here. Everything is tried at once first; only when the kernel refuses the
// set as a whole is each one tried by itself, so that what is possible is used and what is missing has its reason.
#pragma once
#include <cstdint>
#include <vector>

#include "base/protection.h"

namespace sluice::supervisor {

struct Namespaces {
  std::uint64_t flags = 0;  ///< CLONE_NEW…
  std::vector<Protection> report;
};

/// User, mount, pid, ipc, uts and cgroup; the network stays the host's, because a proxy's work is there.
[[nodiscard]] std::uint64_t worker_namespaces();
/// The same and the network.
[[nodiscard]] std::uint64_t tool_namespaces();

/// All of `wanted` are to be had.
[[nodiscard]] Namespaces all_of(std::uint64_t wanted);
/// Tries them one by one (a handful of short-lived children).
[[nodiscard]] Namespaces probe(std::uint64_t wanted);

}  // namespace sluice::supervisor
