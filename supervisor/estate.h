// Estate: what counts of a supervisor that has died: the shared memory of its worker slots and its own, so that
// counters go on where they were. Its name stands in the roster and beside the sockets in the descriptor store; the
// memory itself is in the store, or with the workers that live on: each holds its own, the admin process all.
//
// A slab is known by its inode, which nobody but the kernel gives: whatever an orphan has at its descriptors, only the
// memory that our predecessor made is taken, and its content is read as that of any worker. So an orphan can withhold
// counters and falsify its own, and nothing else. Reaching into processes is forbidden for good afterwards
// (supervisor/seccomp.h).
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "restart/saved_state.h"
#include "supervisor/roster.h"

namespace sluice::supervisor {

/// The supervisor's own slab in the list: this tenant.
inline constexpr std::string_view kOwnSlab;

struct Estate {
  std::uint64_t last_generation = 0;
  Fd own_slab;                            ///< empty: there is none
  std::vector<restart::SavedSlab> slabs;  ///< of workers, each with a descriptor that is the reader's to close
  std::size_t missing = 0;                ///< were named, and nobody had them
  std::string why;                        ///< an orphan could not be looked at; empty: that was not it
};

/// Of what stands in the store, whose descriptors are there, and what stands in the roster, whose are to be looked for.
[[nodiscard]] Estate collect(restart::SavedEstate stored, const restart::SavedEstate& left,
                             std::span<const Orphan> orphans);

}  // namespace sluice::supervisor
