// Is there room for one more generation? What it needs is reckoned from the one that serves, what is left is read from
// the kernel: memory of the machine and of every control group above us, descriptors of this process and of the
// machine. Asked right before a generation is started, so that the answer to "no" is a sentence and not the kernel's
// killer.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace sluice::supervisor {

/// Memory of a process that no other process gives it, in bytes: anonymous and shared, not mapped files. 0 when it has
/// ended.
[[nodiscard]] std::uint64_t memory_of(pid_t pid);

/// What is left of something, and who says so ("MemAvailable", "memory.max of /sys/fs/cgroup/x").
struct Left {
  std::uint64_t amount;
  std::string where;
};
/// The tightest. Nothing when the kernel sets no limit, or does not say.
[[nodiscard]] std::optional<Left> memory_left();
[[nodiscard]] std::optional<Left> descriptors_left();

/// In one control group of version 2 (memory.max) or 1 (memory.limit_in_bytes): the limit less what is used, but for
/// cached files that can go. Nothing without a limit.
[[nodiscard]] std::optional<Left> memory_left_in(const std::string& folder);

struct Need {
  std::uint64_t memory = 0;
  std::uint64_t descriptors = 0;
};
/// Why there is not enough; nothing when there is.
[[nodiscard]] std::optional<std::string> lacks(const Need& need, const std::optional<Left>& memory,
                                               const std::optional<Left>& descriptors);
/// "24.3 MiB".
[[nodiscard]] std::string mebibytes(std::uint64_t bytes);

}  // namespace sluice::supervisor
