// What a worker may ask of the kernel once the door is closed: the complete list, one row per call, each with its
// reason. Everything else ends the worker. Whoever needs another call adds a row here, says why, and a probe to
// tests/sandbox.
#pragma once
#include <cstdint>
#include <span>

#include "base/seccomp.h"

namespace sluice::worker {

/// What may be connected, and whether connections may be given a source address.
enum class Sources : std::uint8_t {
  kKernel,
  kChosen,
  kNone,  ///< there are no connections: the keyholder
};

[[nodiscard]] std::span<const seccomp::Row> worker_policy(Sources sources);

}  // namespace sluice::worker
