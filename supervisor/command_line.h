// The command line of `sluice`.
#pragma once
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/log_sink.h"

namespace sluice::supervisor {

struct CommandLine {
  enum class Action : std::uint8_t { kRun, kCheck, kPreflight, kPrintDefaultConfig, kPrintSchema, kVersion };
  Action action = Action::kRun;
  std::string config = "/etc/sluice/sluice.yaml";
  std::string application;                    ///< empty: what the configuration says
  std::optional<LogSink::Format> log_format;  ///< wins over the configuration
  int state = -1;                             ///< of kPreflight: descriptor of a state to look at
  int resume = -1;                            ///< of kRun: descriptor of the state to go on from
  std::string returned;                       ///< why that state comes back
  std::vector<std::string> arguments;         ///< all but those of an exec in place
};

/// What was said, or the exit code when that was --help or a mistake (which has been printed).
[[nodiscard]] std::expected<CommandLine, int> parse_command_line(int argc, char** argv);

}  // namespace sluice::supervisor
