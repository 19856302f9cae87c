// See slow_request.h.
#include "worker/flow/slow_request.h"

#include <algorithm>

namespace sluice::worker {
namespace {
std::int64_t micros(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}
}  // namespace

void log_if_slow(Log& log, const AccessRecord& record, std::string_view endpoint, std::chrono::nanoseconds limit) {
  const bool tunnel = record.kind == AccessRecord::Kind::kTunnel;
  const std::chrono::nanoseconds total = tunnel ? record.first_byte : record.duration;
  if (total < limit) return;
  constexpr std::size_t kMostPath = 512;
  log.warn("slow request", {{"connection", record.connection},
                            {"request", record.request},
                            {"endpoint", endpoint},
                            {"client", record.client},
                            {"method", record.method},
                            {"authority", record.authority},
                            {"path", record.path.substr(0, std::min(kMostPath, record.path.find('?')))},
                            {"status", record.status},
                            {"origin", record.origin},
                            {"queue_us", micros(record.queued)},
                            {"dial_us", micros(record.dial)},
                            {"first_byte_us", micros(record.first_byte)},
                            {"total_us", micros(total)},
                            {"limit_us", micros(limit)}});
}

}  // namespace sluice::worker
