// The program `sluice`: what its command line asks for, and otherwise the supervisor. Exit codes: 0 in order, 1 could
// not start or run, 2 the configuration or the command line is wrong.
#include <fmt/format.h>

#include <cstdio>

#include "base/frames.h"
#include "base/version.h"
#include "ipc/settings/settings.h"
#include "supervisor/command_line.h"
#include "supervisor/config.h"
#include "supervisor/preflight.h"
#include "supervisor/seccomp.h"
#include "supervisor/supervisor.h"

namespace sluice::supervisor {
namespace {

constexpr int kFailed = 1;
constexpr int kWrong = 2;

int print(const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return written ? 0 : kFailed;
}

int complain(const std::string& text) {
  (void)std::fwrite(text.data(), 1, text.size(), stderr);
  return kWrong;
}

int print_default_config(const CommandLine& line) {
  const Result<Application> application =
      open_application(line.application.empty() ? beside_us("sluice-proxy") : line.application);
  if (!application) return complain("sluice: " + application.error().message() + "\n");
  const ipc::ApplicationDescription& about = application->about;
  if (line.action == CommandLine::Action::kPrintSchema)
    return print(ipc::config_schema({.tenant = about.tenant.schema, .endpoint = about.endpoint.schema}));
  return print(ipc::default_config({.tenant = about.tenant.yaml, .endpoint = about.endpoint.yaml}));
}

LogSink::Format format_of(ipc::LogFormat format) {
  switch (format) {
    case ipc::LogFormat::kAuto:
      return LogSink::Format::kAuto;
    case ipc::LogFormat::kJson:
      return LogSink::Format::kJson;
    case ipc::LogFormat::kHuman:
      return LogSink::Format::kHuman;
  }
  return LogSink::Format::kAuto;
}

// The coroutine that is the program; its scope ends when it has set the exit code.
Task<> live(Supervisor& supervisor, Loop& loop, int& code) {
  code = co_await supervisor.serve();
  loop.stop();
}

int supervise(const CommandLine& line, Configuration configuration, std::vector<Protection> own) {
  const ipc::LogSettings& settings = configuration.settings.log;
  Result<std::unique_ptr<LogSink>> sink =
      LogSink::open(settings.file, line.log_format.value_or(format_of(settings.format)));
  if (!sink) {
    (void)complain("sluice: " + sink.error().message() + "\n");
    return kFailed;
  }
  Log log(**sink, level_of(settings.level));
  int code = kFailed;
  {
    Loop loop;
    Supervisor supervisor(loop, log, **sink, std::move(configuration), line.application, std::move(own));
    if (Result<> prepared = supervisor.prepare(); !prepared) {
      log.error("start failed", {{"why", prepared.error().message()}});
      return kFailed;
    }
    Scope scope;
    scope.spawn([&] { return live(supervisor, loop, code); });
    loop.run();
  }
  if (frames::live() != 0) log.error("coroutine frames left", {{"frames", frames::live()}});
  return code;
}

int run(int argc, char** argv) {
  const std::expected<CommandLine, int> line = parse_command_line(argc, argv);
  if (!line) return line.error();
  switch (line->action) {
    case CommandLine::Action::kVersion:
      return print(fmt::format("sluice {}\n", version()));
    case CommandLine::Action::kPrintDefaultConfig:
    case CommandLine::Action::kPrintSchema:
      return print_default_config(*line);
    case CommandLine::Action::kCheck:
    case CommandLine::Action::kPreflight:
    case CommandLine::Action::kRun:
      break;
  }
  // before a byte of the configuration is read, and for every child to come
  Result<Protection> filter = enter_seccomp();
  if (!filter) {
    (void)complain("sluice: " + filter.error().message() + "\n");
    return kFailed;
  }
  if (line->action == CommandLine::Action::kPreflight) return print(preflight_answer(line->config, line->application));
  auto loaded = load_configuration(line->config, line->application);
  if (!loaded) return complain(loaded.error().text());
  if (line->action == CommandLine::Action::kCheck) return print(line->config + ": in order\n");
  return supervise(*line, *std::move(loaded), {*std::move(filter)});
}

}  // namespace
}  // namespace sluice::supervisor

int main(int argc, char** argv) {
  return sluice::supervisor::run(argc, argv);
}
