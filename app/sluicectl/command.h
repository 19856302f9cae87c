// The command line of sluicectl, as the request it becomes.
#pragma once
#include <expected>
#include <nlohmann/json.hpp>
#include <string>

namespace sluice::ctl {

struct CommandLine {
  std::string socket;      ///< empty: where the supervisor puts it by default
  bool json = false;       ///< the answer as it is
  nlohmann::json request;  ///< {"command":…}
};

/// Or the exit code of --help or a mistake, which has been printed.
[[nodiscard]] std::expected<CommandLine, int> parse_command_line(int argc, char** argv);

}  // namespace sluice::ctl
