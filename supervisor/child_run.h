// Running a program of our own beside the serving loop: input, output and errors are memfds, so nobody has to feed or
// drain it and the wait is one for its pidfd. The child has all our rights; for an application's code there is
// run_sandboxed() (spawn.h).
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "base/loop.h"
#include "base/task.h"
#include "supervisor/spawn.h"

namespace sluice::supervisor {

struct ChildRequest {
  int binary;  ///< borrowed
  std::vector<std::string> arguments;
  Millis limit;
  int extra = -1;  ///< becomes descriptor 3; borrowed
  std::size_t output_limit = std::size_t{64} << 20;
};
/// Runs to the end. Cancel: kills it. Errors: kTimeout, kTooLarge, kSystem (could not be started).
[[nodiscard]] Task<Result<Output>> run_beside(Loop& loop, const ChildRequest& request);
/// Is this one of the children that run beside the loop now? Whoever reaps strangers leaves it alone.
[[nodiscard]] bool is_child_beside(pid_t pid);

}  // namespace sluice::supervisor
