// Sampler: reads now and then what is cheaper to look at than to count (blocks, frames, lines lost, processor time, how
// late the loop is) and hands it to the metrics; gives spare coroutine frames back on the way. Owned by the worker's
// main, which spawns run() in its scope.
#pragma once
#include "base/loop.h"
#include "base/task.h"

namespace sluice {
class Log;
}

namespace sluice::worker {

class AccessLog;
class PathMetrics;

class Sampler {
 public:
  static constexpr Millis kEvery{500};

  Sampler(PathMetrics& metrics, const Log& log, const AccessLog& access_log)
      : metrics_(metrics), log_(log), access_log_(access_log) {}
  Sampler(Sampler&&) = delete;
  /// The last sample, so that what was counted since the one before is not lost.
  ~Sampler() { sample(Nanos(0)); }

  /// Ends never.
  [[nodiscard]] Task<> run(Loop& loop);

 private:
  void sample(Nanos loop_lag);

  PathMetrics& metrics_;
  const Log& log_;
  const AccessLog& access_log_;
};

}  // namespace sluice::worker
