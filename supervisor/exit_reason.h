// Why a process ended, in words an operator can act on.
#pragma once
#include <cstdint>
#include <string>

#include "base/result.h"

namespace sluice::supervisor {

struct ExitReason {
  enum class Kind : std::uint8_t { kExited, kSignal };
  Kind kind = Kind::kExited;
  int number = 0;     ///< exit code or signal
  bool core = false;  ///< a core file was written
  std::string why;    ///< what we know beyond that: "not ready within 10s", "out of memory", …

  [[nodiscard]] bool clean() const { return kind == Kind::kExited && number == 0; }
  /// "exited with code 3", "killed by SIGSEGV (Segmentation fault): …".
  [[nodiscard]] std::string text() const;
};

/// Reaps the process behind a pidfd that is readable. Errors: kSystem; kInternal while it still runs.
[[nodiscard]] Result<ExitReason> reap_process(int pidfd);

}  // namespace sluice::supervisor
