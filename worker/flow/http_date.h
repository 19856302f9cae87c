// IMF-fixdate (RFC 9110 section 5.6.7), without the C library's time zones: those would read files.
#pragma once
#include <chrono>
#include <string>

namespace sluice::worker {
[[nodiscard]] std::string http_date(std::chrono::system_clock::time_point when);
}  // namespace sluice::worker
