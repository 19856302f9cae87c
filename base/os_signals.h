// UNIX signals as something to wait for: a signalfd on the loop instead of handlers. The signals are blocked for the
// process from construction on; children must start with a clean mask (supervisor/spawn.cc sees to that).
#pragma once
#include <signal.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>

#include "base/fd.h"
#include "base/fd_events.h"
#include "base/loop.h"
#include "base/result.h"

namespace sluice {

struct OsSignal {
  int number;
  std::uint32_t pid;  ///< who sent it, 0 for the kernel
  std::uint32_t uid;
};

class OsSignals {
 public:
  /// Blocks the signals and opens the descriptor. Errors: kSystem.
  [[nodiscard]] static Result<std::unique_ptr<OsSignals>> open(Loop& loop, std::initializer_list<int> numbers);
  OsSignals(OsSignals&&) = delete;

  /// Set while there may be one to take; take() clears it when there is none.
  [[nodiscard]] Signal& arrived() { return events_.readable; }
  /// The next one; never waits.
  [[nodiscard]] std::optional<OsSignal> take();

 private:
  OsSignals(Loop& loop, Fd fd) : fd_(std::move(fd)), events_(loop, fd_.get()) {}
  Fd fd_;
  FdEvents events_;
};

}  // namespace sluice
