// The shared memory of worker slots, for all generations. A slot (tenant, index) has as many slabs as processes that
// wrote for it at the same time: the draining worker of the old generation and the new one each have their own, and
// what they count is summed. A slab that is free again goes to the next process of its slot, which counts on in it;
// none is ever given up while the supervisor lives, so every counter is monotone over crashes and upgrades; and over
// its death, where the next one can have them (estate.h).
//
// Owned by the supervisor; workers hold what they took and give it back when their slot ends.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "ipc/slab.h"
#include "restart/saved_state.h"

namespace sluice::supervisor {
class Takeover;

struct SlotSlab {
  std::string tenant;
  std::uint32_t worker = 0;
  std::uint32_t number = 0;       ///< among the slabs of the slot
  std::uint32_t connections = 0;  ///< it was made for
  Fd fd;
  std::optional<ipc::SlabReader> reader;
  bool taken = false;
  bool orphaned = false;  ///< a worker of a supervisor before us may write to it: taken
};

class SlabPool {
 public:
  SlabPool() = default;
  SlabPool(SlabPool&&) = delete;

  /// A slab for one process of the slot at a time. Lifetime: the pool's. Errors: kSystem, kTooLarge.
  [[nodiscard]] Result<SlotSlab*> take(const std::string& tenant, std::uint32_t worker, std::uint32_t connections);
  /// Its last process has ended: gauges go to zero, counters stay.
  void give_back(SlotSlab& slab);
  /// New memory in the place of what a process has damaged; its counts are lost. Errors: kSystem.
  [[nodiscard]] Result<> renew(SlotSlab& slab);

  [[nodiscard]] const std::vector<std::unique_ptr<SlotSlab>>& all() const { return slabs_; }
  /// For another program that goes on with them, in the order of all(); and back, none taken.
  [[nodiscard]] std::vector<restart::SavedSlab> save() const;
  void go_on(const Takeover& from);

  enum class Writers : std::uint8_t { kGone, kMayLive };
  /// Those of a supervisor that has died, with descriptors that are ours from here on; what is not a sound slab is left
  /// out. How many they are.
  std::size_t inherit(const std::vector<restart::SavedSlab>& slabs, Writers writers);
  /// All who could write to what was inherited have ended.
  void writers_ended();
  /// Changes whenever a slab is made.
  [[nodiscard]] std::uint64_t made() const { return made_; }

 private:
  [[nodiscard]] std::uint32_t next_number(const std::string& tenant, std::uint32_t worker) const;

  std::vector<std::unique_ptr<SlotSlab>> slabs_;
  std::uint64_t made_ = 0;
};

}  // namespace sluice::supervisor
