// Roster: the workers of a supervisor by name, in a file beside its control socket, for the one that comes after its
// death. They serve on and hold its addresses, so the next supervisor must know that these are no strangers, share the
// addresses with them, and when its own workers serve, tell them to drain.
//
// Who is who is decided by process number and time of start together. Owned by the Supervisor.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace sluice::supervisor {

class Roster {
 public:
  /// For the control socket at this path.
  explicit Roster(const std::string& control_path) : path_(control_path + ".workers") {}
  Roster(Roster&&) = delete;
  ~Roster();

  /// pidfds of the workers of a supervisor that has died; none when it lives, or left none. They stay in the file, so
  /// that whoever comes after us finds them too, until they are forgotten.
  [[nodiscard]] std::vector<Fd> orphans();
  /// They know that they have to leave.
  void forget_orphans() { orphans_.clear(); }
  /// Ours, now; 0 counts for none. Written only when it differs from the last. Errors: kSystem.
  [[nodiscard]] Result<> update(std::vector<pid_t> workers);

 private:
  std::string path_;
  std::vector<pid_t> orphans_;
  std::vector<pid_t> written_;
  bool ours_ = false;
};

/// SIGTERM.
void tell_to_drain(const Fd& worker);

}  // namespace sluice::supervisor
