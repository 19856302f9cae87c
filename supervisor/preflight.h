// Preflight: the new configuration and application are checked in a child, which is this program with --preflight, so
// that the serving loop never waits for a file, a name service or an application. The child does what a start does
// (config.h) and prints what came of it as one JSON object; the supervisor takes the settings from that and opens the
// binary itself.
#pragma once
#include <sys/types.h>

#include <expected>
#include <string>
#include <vector>

#include "base/loop.h"
#include "base/settings/problems.h"
#include "base/task.h"
#include "restart/outcome.h"
#include "supervisor/config.h"

namespace sluice::supervisor {

/// Why there will be no new configuration.
struct Refusal {
  restart::Outcome outcome = restart::Outcome::kPreflight;
  std::string why;
  settings::Problems problems;          ///< of kConfiguration and kApplication
  std::vector<std::string> last_words;  ///< what the child wrote to standard error
};

struct PreflightRequest {
  std::string file;
  std::string application;  ///< wins over what the file names, unless it is empty
  Millis limit;
};
/// Cancel: kills the child.
[[nodiscard]] Task<std::expected<Configuration, Refusal>> preflight(Loop& loop, const PreflightRequest& request);

/// The child's side: what `sluice --preflight` prints.
[[nodiscard]] std::string preflight_answer(const std::string& file, const std::string& application);

}  // namespace sluice::supervisor
