// One control group per tenant, so that a tenant's memory limit is the kernel's business. Knows three worlds: cgroup v2
// (as root, or in a delegated subtree as systemd's Delegate=yes makes it), the v1 memory hierarchy (as root), and none;
// which one it is, and why, is reported and never guessed at. The groups live below the supervisor's own and are
// removed with the objects.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/protection.h"
#include "base/result.h"

namespace sluice::supervisor {

/// A tenant's group. Lifetime: destroy it after its processes have ended, or the directory stays behind.
class Cgroup {
 public:
  Cgroup(std::string folder, Protection report) : folder_(std::move(folder)), report_(std::move(report)) {}
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  ~Cgroup();

  /// Puts a process in; false and a reason in the report when the kernel refuses. Without a group this is just the
  /// report.
  [[nodiscard]] Protection place(pid_t pid);
  /// How many of its processes the kernel has killed for lack of memory; 0 when not known.
  [[nodiscard]] std::uint64_t memory_kills() const;
  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] const Protection& report() const { return report_; }

 private:
  std::string folder_;  ///< empty: no group
  Protection report_;
};

class Cgroups {
 public:
  /// Looks which kind the supervisor may use; in a delegated v2 subtree it moves the supervisor into a leaf of its own.
  Cgroups();
  Cgroups(const Cgroups&) = delete;
  Cgroups& operator=(const Cgroups&) = delete;

  /// memory_limit in bytes, 0 for no limit. Never fails: without a way to make one, the Cgroup only carries the reason.
  [[nodiscard]] std::unique_ptr<Cgroup> make(std::string_view tenant, std::uint64_t memory_limit);

 private:
  enum class Kind { kNone, kV1, kV2 };
  Kind kind_ = Kind::kNone;
  std::string parent_;  ///< our own folder, where the tenants' go
  std::string why_;     ///< of kNone
};

/// Folders of the groups that this process is in and that may limit its memory, of version 2 and 1.
[[nodiscard]] std::vector<std::string> own_memory_groups();

}  // namespace sluice::supervisor
