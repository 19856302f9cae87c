// Preflight: the new configuration and application are checked in a child, which is this program with --preflight,
// or the one that has taken its place on disk, so that the serving loop never waits for a file, a name service or an
// application. The child does what a start does (config.h) and prints what came of it as one JSON object; the
// supervisor takes the settings from that and opens the binary itself. Another program gets a copy of the state too
// (restart/saved_state.h) and says whether it could go on.
#pragma once
#include <sys/types.h>

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/loop.h"
#include "base/settings/problems.h"
#include "base/task.h"
#include "restart/outcome.h"
#include "restart/saved_state.h"
#include "supervisor/config.h"
#include "supervisor/own_program.h"

namespace sluice::supervisor {

/// Why there will be no new configuration.
struct Refusal {
  restart::Outcome outcome = restart::Outcome::kPreflight;
  std::string why;
  settings::Problems problems;          ///< of a configuration, and of an application
  std::vector<std::string> last_words;  ///< what the child wrote to standard error
};

struct PreflightRequest {
  std::string file;
  std::string application;  ///< wins over what the file names, unless it is empty
  Millis limit;
  /// Another program may lie where this one was started from. Null: nobody looks.
  const OwnProgram* program = nullptr;
  /// All that the process knows, for that program to read; called only when there is one.
  std::function<restart::SavedState()> state = nullptr;
};
struct Preflight {
  /// Nothing when there is another program: it alone understands the answer, with judge_preflight().
  std::optional<Configuration> configuration;
  Fd program;  ///< the other program, as it was tried
  std::string version;
  std::string answer;
};
/// Cancel: kills the child.
[[nodiscard]] Task<std::expected<Preflight, Refusal>> preflight(Loop& loop, const PreflightRequest& request);
/// What an answer means.
[[nodiscard]] std::expected<Configuration, Refusal> judge_preflight(const std::string& file, const std::string& answer);

/// The child's side: what `sluice --preflight` prints. `state`: the descriptor of a state, or -1.
[[nodiscard]] std::string preflight_answer(const std::string& file, const std::string& application, int state);

}  // namespace sluice::supervisor
