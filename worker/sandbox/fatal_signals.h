// Making fatal signals fatal. A worker is the first process of its pid namespace, and the kernel ignores a signal to
// such a process when its action is the default one: `kill -SEGV` would do nothing and abort() would end in something
// else.
#pragma once

namespace sluice::worker {

/// Handlers for SEGV, BUS, ILL, FPE and ABRT that end the process with the same signal; ABRT, which no instruction can
/// cause, ends it with exit status 134 (128 + 6). A sanitizer's own handlers stay. Also ignores SIGPIPE. Once, at
/// start.
void make_signals_fatal();

}  // namespace sluice::worker
