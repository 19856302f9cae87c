// The program `sluice`: what its command line asks for, and otherwise the supervisor. Exit codes: 0 in order, 1 could
// not start or run, 2 the configuration or the command line is wrong.
#include <fmt/format.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cstdio>

#include "base/frames.h"
#include "base/version.h"
#include "ipc/settings/settings.h"
#include "supervisor/command_line.h"
#include "supervisor/config.h"
#include "supervisor/preflight.h"
#include "supervisor/seccomp.h"
#include "supervisor/supervisor.h"
#include "supervisor/takeover.h"

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
  const std::expected<Application, ProgramTrouble> application =
      open_application(line.application.empty() ? beside_us("sluice-proxy") : line.application);
  if (!application) return complain("sluice: " + application.error().error.message() + "\n");
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

int serve(Supervisor& supervisor, Loop& loop) {
  int code = kFailed;
  Scope scope;
  scope.spawn([&] { return live(supervisor, loop, code); });
  loop.run();
  return code;
}

int count_frames(Log& log, int code) {
  if (frames::live() != 0) log.error("coroutine frames left", {{"frames", frames::live()}});
  return code;
}

int failed(const Error& error) {
  (void)complain("sluice: " + error.message() + "\n");
  return kFailed;
}

int supervise(const CommandLine& line, Configuration configuration, Protection filter) {
  const ipc::LogSettings& settings = configuration.settings.log;
  Result<std::unique_ptr<LogSink>> sink =
      LogSink::open(settings.file, line.log_format.value_or(format_of(settings.format)));
  if (!sink) return failed(sink.error());
  Result<OwnProgram> program = OwnProgram::find();
  if (!program) return failed(program.error());
  Log log(**sink, level_of(settings.level));
  int code = kFailed;
  {
    Loop loop;
    Supervisor supervisor(loop, log, **sink,
                          {.application_override = line.application,
                           .protections = {std::move(filter)},
                           .filters = {filter_fingerprint()},
                           .arguments = line.arguments,
                           .program = *std::move(program),
                           .forbid_reaching_into_others = forbid_reaching_into_others});
    if (Result<> prepared = supervisor.prepare(std::move(configuration)); !prepared) {
      log.error("start failed", {{"why", prepared.error().message()}});
      return kFailed;
    }
    code = serve(supervisor, loop);
  }
  return count_frames(log, code);
}

// The other way to begin: another program was here before, and has left all that it knew (takeover.h).
int go_on(const CommandLine& line) {
  (void)::prctl(PR_SET_NAME, "sluice", 0, 0, 0);  // exec by descriptor has made it a number
  Fd file(line.resume);
  Result<restart::SavedState> state = receive_state(file.get());
  if (!state) give_back_unread(file.get(), line.arguments, line.returned, state.error());
  auto takeover = std::make_unique<const Takeover>(*std::move(state), std::move(file), line.arguments, line.returned);
  const Takeover& from = *takeover;
  from.must(from.take());
  const restart::SavedState& saved = from.state();
  std::vector<std::string> filters = saved.program.filters;
  Protection filter = from.must(enter_seccomp(filters));
  if (std::ranges::find(filters, filter_fingerprint()) == filters.end()) filters.push_back(filter_fingerprint());
  from.must(understand(saved));
  const auto serving = std::ranges::find(saved.generations, saved.serving, &restart::SavedGeneration::number);
  const ipc::LogSettings settings = from.must(ipc::settings_from_json(serving->settings)).log;
  OwnProgram program = from.must(OwnProgram::find(saved.program.path));
  const std::unique_ptr<LogSink> sink = LogSink::go_on(
      settings.file, line.log_format.value_or(format_of(settings.format)), Fd(saved.log_fd), saved.log_rest);
  Log log(*sink, parse_log_level(saved.log_level).value_or(level_of(settings.level)));
  int code = kFailed;
  {
    Loop loop;
    Supervisor supervisor(loop, log, *sink,
                          {.application_override = line.application,
                           .protections = {std::move(filter)},
                           .filters = std::move(filters),
                           .arguments = line.arguments,
                           .program = std::move(program)});
    supervisor.go_on(from);
    takeover.reset();
    code = serve(supervisor, loop);
  }
  return count_frames(log, code);
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
  if (line->resume >= 0) return go_on(*line);
  // before a byte of the configuration is read, and for every child to come
  Result<Protection> filter = enter_seccomp({});
  if (!filter) return failed(filter.error());
  if (line->action == CommandLine::Action::kPreflight)
    return print(preflight_answer(line->config, line->application, line->state));
  auto loaded = load_configuration(line->config, line->application);
  if (!loaded) return complain(loaded.error().text());
  if (line->action == CommandLine::Action::kCheck) return print(line->config + ": in order\n");
  return supervise(*line, *std::move(loaded), *std::move(filter));
}

}  // namespace
}  // namespace sluice::supervisor

int main(int argc, char** argv) {
  return sluice::supervisor::run(argc, argv);
}
