// The slow-request log: one warning for each request that took longer than its endpoint allows (`http.slow_request`),
// with what each phase took. Named by the ids of the access log, so that the two lines find each other.
#pragma once
#include <chrono>
#include <string_view>

#include "base/log.h"
#include "worker/telemetry/record.h"

namespace sluice::worker {

/// Logs it when it was slow. A tunnel counts up to its beginning: afterwards it lasts as long as it likes.
void log_if_slow(Log& log, const AccessRecord& record, std::string_view endpoint, std::chrono::nanoseconds limit);

}  // namespace sluice::worker
