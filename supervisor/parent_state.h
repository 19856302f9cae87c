// What an application leaves to its next generation (restart/parent_state.h): before new workers start, the old ones of
// the same tenant and the same application are asked to write it down, and each new worker gets what some of them
// wrote, for the first process in its slot only: a state that makes a worker crash does so once. Nobody waits long: an
// upgrade goes on without what has not come. Only applications that want to hear it are asked (ipc/application.h).
#pragma once
#include "base/log.h"
#include "base/loop.h"
#include "base/signal.h"
#include "base/task.h"
#include "supervisor/generation.h"

namespace sluice::supervisor {

/// From the workers that serve to those that have not been started yet. `number`: of the question, another one each
/// time; `news` is set when a worker has moved. Lifetime: both generations outlive it.
struct StateTransfer {
  Loop& loop;
  Log& log;
  Signal& news;
  const Generation& from;
  const Generation& to;
  std::uint64_t number;
};
[[nodiscard]] Task<> hand_states_on(const StateTransfer& transfer);

}  // namespace sluice::supervisor
