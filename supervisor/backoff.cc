// See backoff.h.
#include "supervisor/backoff.h"

#include <algorithm>

namespace sluice::supervisor {

Backoff::Verdict Backoff::ended(Nanos started, Nanos now) {
  while (!ends_.empty() && ends_.front() + policy_.window <= now) ends_.pop_front();
  // a life of a whole window with no other end in it: whatever was wrong before is over
  if (ends_.empty() && now - started >= policy_.window) next_ = Millis(0);
  if (ends_.size() >= policy_.crashes && !ends_.empty()) ends_.pop_front();
  ends_.push_back(now);

  Verdict verdict{.pause = next_, .crash_loop = ends_.size() >= policy_.crashes};
  if (verdict.crash_loop) verdict.pause = policy_.most;
  next_ = next_.count() == 0 ? policy_.first : std::min(next_ * 2, policy_.most);
  return verdict;
}

}  // namespace sluice::supervisor
