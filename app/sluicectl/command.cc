// See command.h. CLI11 throws; nothing leaves this file.
#include "app/sluicectl/command.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "base/password.h"
#include "base/version.h"

namespace sluice::ctl {

std::expected<CommandLine, int> parse_command_line(int argc, char** argv) {
  constexpr int kUsage = 2;
  CommandLine line;
  CLI::App app("Talks to a running sluice over its control socket.", "sluicectl");
  app.add_option("--socket", line.socket, "The control socket")->type_name("FILE");
  app.add_flag("--json", line.json, "The answer as JSON");
  app.set_version_flag("--version", "sluicectl " + std::string(version()));
  app.require_subcommand(1);
  app.fallthrough();

  app.add_subcommand("status", "Tenants, addresses and what protects the workers");
  app.add_subcommand("workers", "Worker processes, and why the last ones ended");
  std::string tenant;
  std::string endpoint;
  std::uint64_t limit = 0;
  auto* connections = app.add_subcommand("connections", "Live connections");
  connections->add_option("--tenant", tenant, "Only of this tenant");
  connections->add_option("--endpoint", endpoint, "Only of this endpoint");
  connections->add_option("--limit", limit, "At most so many")->check(CLI::PositiveNumber);
  std::string upstream;
  auto* upstreams = app.add_subcommand("upstreams", "Origin servers: health, load, failures");
  upstreams->add_option("--tenant", tenant, "Only of this tenant");
  upstreams->add_option("--upstream", upstream, "Only of this upstream");
  app.add_subcommand("config", "The configuration in force, defaults included, secrets hidden");
  std::string file;
  auto* check = app.add_subcommand("check", "Check a configuration file as the running sluice would read it");
  check->add_option("file", file, "The file; without it, the one in use");
  auto* diff = app.add_subcommand(
      "diff", "What an upgrade would change, and whether in place or by new workers; exit status 0: nothing");
  diff->add_option("file", file, "The file; without it, the one in use");
  bool force = false;
  std::string until;
  auto* upgrade = app.add_subcommand(
      "upgrade", "Read the configuration and the application again; new workers take over, and nothing is lost");
  upgrade->add_flag("--force", force, "New workers even when nothing has changed");
  upgrade
      ->add_option("--until", until,
                   "How long to wait: for the switch, until it is sure, or until all old work has ended")
      ->check(CLI::IsMember({"commit", "probation", "drain"}));
  app.add_subcommand("upgrades", "The last upgrades and what became of what was open");
  bool now = false;
  std::string drain;
  auto* stop = app.add_subcommand("stop", "Let open work end, then leave");
  auto* now_flag = stop->add_flag("--now", now, "Leave at once");
  stop->add_option("--drain", drain, "Time for open work, such as 30s, in place of shutdown.drain")->excludes(now_flag);
  std::uint32_t iterations = PasswordEntry::kUsualIterations;
  auto* password =
      app.add_subcommand("password", "Read a password from standard input, print it as proxy_auth.users wants it");
  password->add_option("--iterations", iterations, "How slow guessing is made")
      ->check(CLI::Range(1U, PasswordEntry::kMostIterations));
  std::string level;
  auto* log_level = app.add_subcommand("log-level", "Show or set how much is logged, while running");
  log_level->add_option("level", level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return std::unexpected(app.exit(success));
  } catch (const CLI::ParseError& error) {
    app.exit(error);
    return std::unexpected(kUsage);
  }
  line.request = {{"command", app.get_subcommands().front()->get_name()}};
  const auto give = [&](const char* key, const std::string& value) {
    if (!value.empty()) line.request[key] = value;
  };
  give("tenant", tenant);
  give("endpoint", endpoint);
  give("upstream", upstream);
  if (password->parsed()) line.request["iterations"] = iterations;
  if (limit != 0) line.request["limit"] = limit;
  std::error_code error;
  if (!file.empty()) give("file", std::filesystem::absolute(file, error).string());
  if (force) line.request["force"] = true;
  give("until", until);
  if (now) give("how", "now");
  give("drain", drain);
  give("level", level);
  return line;
}

}  // namespace sluice::ctl
