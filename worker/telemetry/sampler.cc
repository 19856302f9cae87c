// See sampler.h.
#include "worker/telemetry/sampler.h"

#include <algorithm>
#include <ctime>

#include "base/buffer.h"
#include "base/check.h"
#include "base/frames.h"
#include "base/log.h"
#include "worker/telemetry/access_log.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {
namespace {

// clock_gettime is the one way to ask that needs no /proc, which a worker does not have.
Nanos processor_time() {
  timespec used{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0) return Nanos(0);
  return std::chrono::seconds(used.tv_sec) + Nanos(used.tv_nsec);
}

}  // namespace

void Sampler::sample(Nanos loop_lag) {
  metrics_.sample({.buffer_blocks = Buffer::blocks_in_use(),
                   .coroutine_frames = static_cast<std::uint64_t>(std::max(frames::live(), 0L)),
                   .bugs = bugs_met(),
                   .log_lines_lost = log_.lost(),
                   .access_lines = access_log_.lines_written(),
                   .access_lines_lost = access_log_.lines_lost(),
                   .processor_time = processor_time(),
                   .loop_lag = loop_lag});
}

Task<> Sampler::run(Loop& loop) {
  for (;;) {
    const Deadline due = loop.in(kEvery);
    co_await loop.until(due);
    sample(std::max(Nanos(0), steady_now() - due.since_boot()));
    frames::trim();
  }
}

}  // namespace sluice::worker
