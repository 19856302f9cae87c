// FdStore: the listening sockets in the descriptor store of the service manager (sd_notify(3), FDSTORE=1), so that not
// even our death closes one: it keeps them, with all that waits in their queues, and gives them to the process that it
// starts next (LISTEN_FDS). The same goes for the memory that counters are in (estate.h). What each of them is stands
// in a sealed memfd beside them. Without a service manager this does nothing. Owned by the Supervisor.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/fd.h"
#include "restart/saved_state.h"

namespace sluice::supervisor {

class FdStore {
 public:
  /// What the store had for this process, once. The descriptors in it are the caller's; what nobody knows is closed,
  /// and goes from the store with the first keep().
  struct Taken {
    std::vector<restart::SavedAddress> addresses;
    restart::SavedEstate estate;
  };
  [[nodiscard]] Taken take();
  /// These are the addresses now, and what counts: puts in what is new, takes out what is gone. Errors: the manager is
  /// busy or gone; asked again it goes on where it was.
  [[nodiscard]] Result<> keep(std::vector<restart::SavedAddress> addresses, restart::SavedEstate estate);
  /// Name of their description, for another program that goes on; and back.
  [[nodiscard]] const std::string& map() const { return map_; }
  void go_on_with(std::string map) { map_ = std::move(map); }

 private:
  [[nodiscard]] Result<> describe(std::vector<restart::SavedAddress> addresses, restart::SavedEstate estate);

  [[nodiscard]] Result<> remove_others(const std::map<std::string, int>& wanted);

  std::map<std::string, std::string> kept_;  // as we name it, and as the store does
  std::set<std::string> described_;          // what the map has
  std::uint64_t last_generation_ = 0;        // as described
  std::string map_;                          // name of the memfd that describes them
};

}  // namespace sluice::supervisor
