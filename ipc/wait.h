// Waiting for one descriptor without a loop: for the boot of a worker and for sluicectl.
#pragma once
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace sluice::ipc {

/// Blocks the thread until poll(2) has one of `events` (or an error, or a hang-up) for `fd`. Errors: kTimeout, which
/// says that `whom` is silent; kSystem.
[[nodiscard]] Result<> wait_for(int fd, short events, Deadline deadline, std::string_view whom);

}  // namespace sluice::ipc
