// Roster: the workers of a supervisor by name, in a file beside its control socket, for the one that comes after its
// death. They serve on and hold its addresses, so the next supervisor must know that these are no strangers, share the
// addresses with them, and when its own workers serve, tell them to drain.
//
// Who is who is decided by process number and time of start together. What counts of us stands there too, by inode
// (estate.h). Owned by the Supervisor.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "restart/saved_state.h"

namespace sluice::supervisor {

/// A worker of a supervisor that has died.
struct Orphan {
  pid_t pid = 0;
  Fd process;  ///< pidfd
};

class Roster {
 public:
  /// For the control socket at this path.
  explicit Roster(const std::string& control_path) : path_(control_path + ".workers") {}
  Roster(Roster&&) = delete;
  ~Roster();

  struct Left {
    std::vector<Orphan> orphans;
    restart::SavedEstate estate;
  };
  /// What a supervisor that has died has left; nothing when it lives, or left nothing. Its workers stay in the file, so
  /// that whoever comes after us finds them too, until they are forgotten.
  [[nodiscard]] Left left();
  /// One that the program before us has found.
  void remember_orphan(pid_t orphan) { orphans_.push_back(orphan); }
  /// They have ended.
  void forget_orphans() { orphans_.clear(); }
  /// Ours, now; 0 counts for none. Written only when something differs from the last. `estate` is one line of JSON.
  /// Errors: kSystem.
  [[nodiscard]] Result<> update(std::vector<pid_t> workers, const std::string& estate);

 private:
  std::string path_;
  std::vector<pid_t> orphans_;
  std::vector<pid_t> written_;
  std::string written_estate_;
  bool ours_ = false;
};

/// SIGTERM.
void tell_to_drain(const Fd& worker);
/// SIGKILL.
void kill_orphan(const Fd& worker);

}  // namespace sluice::supervisor
