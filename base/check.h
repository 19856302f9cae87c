// SLUICE_CHECK: what cannot happen. A failed check prints one line and aborts the process; a worker is restarted by the
// supervisor, which is cheaper and safer than going on with broken state. SLUICE_BUG: doubtful but survivable, counted
// and said once; fatal when the environment has SLUICE_BUGS_ARE_FATAL=1, as it has in tests.
#pragma once
#include <cstdint>

namespace sluice {
[[noreturn]] void check_failed(const char* condition, const char* why, const char* file, int line);
void report_bug(const char* why, const char* file, int line);
/// How many SLUICE_BUGs this process has met.
[[nodiscard]] std::uint64_t bugs_met();
}  // namespace sluice

#define SLUICE_CHECK(condition, why) \
  (static_cast<bool>(condition) ? static_cast<void>(0) : ::sluice::check_failed(#condition, why, __FILE__, __LINE__))
#define SLUICE_BUG(why) ::sluice::report_bug(why, __FILE__, __LINE__)
