// See command_line.h. CLI11 throws; nothing leaves this file.
#include "supervisor/command_line.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <map>

#include "supervisor/takeover.h"

namespace sluice::supervisor {

std::expected<CommandLine, int> parse_command_line(int argc, char** argv) {
  constexpr int kUsage = 2;
  CommandLine line;
  CLI::App app("Sluice: a proxy in sandboxed workers. Starts from a configuration file and stays in the foreground.",
               "sluice");
  bool check = false;
  bool preflight = false;
  bool print_default = false;
  bool print_schema = false;
  bool version = false;
  std::string format;
  app.add_option("-c,--config", line.config, "Configuration file")->capture_default_str()->type_name("FILE");
  app.add_option("--application", line.application, "The program that the workers run; wins over application.program")
      ->type_name("FILE");
  app.add_option("--log-format", format, "Wins over log.format")
      ->check(CLI::IsMember({"auto", "json", "human"}))
      ->type_name("auto|json|human");
  // what one sluice says to another; no group, so --help is silent about it
  app.add_option("--state", line.state)->group("");
  app.add_option(std::string(kResume), line.resume)->group("");
  app.add_option(std::string(kReturned), line.returned)->group("");
  auto* actions = app.add_option_group("Instead of running");
  actions->add_flag("--check", check,
                    "Check the configuration, say everything that is wrong with it, and exit (0 or 2)");
  actions->add_flag("--preflight", preflight,
                    "What a running sluice asks its own program before an upgrade: --check, for machines");
  actions->add_flag("--print-default-config", print_default,
                    "Print a configuration with every option, its meaning and default");
  actions->add_flag("--print-schema", print_schema, "Print the JSON schema of the configuration, for editors");
  actions->add_flag("--version", version, "Print the version");
  actions->require_option(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return std::unexpected(app.exit(success));
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return std::unexpected(kUsage);
  }
  for (int i = 0; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == kResume || argument == kReturned) {
      ++i;
    } else {
      line.arguments.emplace_back(argument);
    }
  }
  if (check) line.action = CommandLine::Action::kCheck;
  if (preflight) line.action = CommandLine::Action::kPreflight;
  if (print_default) line.action = CommandLine::Action::kPrintDefaultConfig;
  if (print_schema) line.action = CommandLine::Action::kPrintSchema;
  if (version) line.action = CommandLine::Action::kVersion;
  if (!line.application.empty()) {
    std::error_code error;
    line.application = std::filesystem::absolute(line.application, error).string();
  }
  const std::map<std::string, LogSink::Format> formats = {
      {"auto", LogSink::Format::kAuto}, {"json", LogSink::Format::kJson}, {"human", LogSink::Format::kHuman}};
  if (const auto found = formats.find(format); found != formats.end()) line.log_format = found->second;
  return line;
}

}  // namespace sluice::supervisor
