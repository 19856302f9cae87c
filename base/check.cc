// Checks write to descriptor 2 with one write(2) and no allocation: they may run with a broken heap.
#include "base/check.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sluice {
namespace {
std::uint64_t bugs = 0;

void say(const char* kind, const char* what, const char* why, const char* file, int line) {
  char text[512];
  const int n = std::snprintf(text, sizeof text, "sluice: %s: %s: %s (%s:%d)\n", kind, why, what, file, line);
  if (n > 0) (void)!::write(STDERR_FILENO, text, std::min(static_cast<std::size_t>(n), sizeof text - 1));
}
}  // namespace

void check_failed(const char* condition, const char* why, const char* file, int line) {
  say("check failed", condition, why, file, line);
  std::abort();
}

void report_bug(const char* why, const char* file, int line) {
  if (bugs++ == 0) say("bug", "going on", why, file, line);
  if (const char* fatal = std::getenv("SLUICE_BUGS_ARE_FATAL"); fatal != nullptr && *fatal == '1') std::abort();
}

std::uint64_t bugs_met() {
  return bugs;
}
}  // namespace sluice
