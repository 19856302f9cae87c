// See control_commands.h.
#include "supervisor/control_commands.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/settings/units.h"
#include "ipc/connection_table.h"
#include "supervisor/control_status.h"
#include "supervisor/control_upstreams.h"
#include "supervisor/supervisor.h"

namespace sluice::supervisor {
namespace {
using ipc::ControlConnection;
using nlohmann::json;

std::string text_at(const json& request, const char* key) {
  const auto found = request.find(key);
  return found != request.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Task<Result<>> status(const ControlContext& context, ControlConnection& connection, const json& /*request*/) {
  const json result = status_json(context.supervisor);
  co_return co_await connection.result(result);
}

Task<Result<>> workers(const ControlContext& context, ControlConnection& connection, const json& /*request*/) {
  const json result = workers_json(context.supervisor);
  co_return co_await connection.result(result);
}

Task<Result<>> upstreams(const ControlContext& context, ControlConnection& connection, const json& request) {
  co_return co_await send_upstreams(context.supervisor, connection, request);
}

// What the configuration makes of the file and the defaults; secrets are hidden.
Task<Result<>> config(const ControlContext& context, ControlConnection& connection, const json& /*request*/) {
  const Configuration& configuration = context.supervisor.configuration();
  const json result = {
      {"file", configuration.file},
      {"settings", json::parse(ipc::shown(configuration.settings), nullptr, /*allow_exceptions=*/false)}};
  co_return co_await connection.result(result);
}

struct Filter {
  std::string tenant;
  std::string endpoint;
  std::uint64_t limit;
};

json connection_json(const Worker& worker, const ipc::ConnectionRecord& record, const std::string& endpoint) {
  return {{"tenant", worker.tenant().settings.name},
          {"worker", worker.index()},
          {"id", record.id},
          {"client", record.client},
          {"endpoint", endpoint},
          {"state", ipc::name(record.state)},
          {"started_unix_ms", record.started_unix_ms},
          {"requests", record.requests},
          {"bytes_in", record.bytes_in},
          {"bytes_out", record.bytes_out},
          {"target", record.target}};
}

// One worker's connections as items; returns how many were shown.
Task<Result<std::uint64_t>> send_connections(const Worker& worker, const Filter& filter,
                                             ControlConnection& connection) {
  std::uint64_t shown = 0;
  const Result<ipc::SlabView> view = worker.reader()->view();
  if (!view) co_return shown;
  ipc::ConnectionReader reader(*view);
  const std::vector<Endpoint>& endpoints = worker.tenant().endpoints;
  while (shown < filter.limit) {
    const std::optional<ipc::ConnectionRecord> record = reader.next();
    if (!record) break;
    const std::string endpoint =
        record->endpoint_index < endpoints.size() ? endpoints[record->endpoint_index].name : "?";
    if (!filter.endpoint.empty() && filter.endpoint != endpoint) continue;
    const json item = connection_json(worker, *record, endpoint);
    Result<> sent = co_await connection.item(item);
    if (!sent) co_return fail(std::move(sent).error());
    ++shown;
  }
  co_return shown;
}

// Straight from the slabs: no worker is asked. What a dead worker left behind is not alive and not shown.
Task<Result<>> connections(const ControlContext& context, ControlConnection& connection, const json& request) {
  constexpr std::uint64_t kAll = UINT64_MAX;
  const auto limit = request.find("limit");
  Filter filter{.tenant = text_at(request, "tenant"),
                .endpoint = text_at(request, "endpoint"),
                .limit = limit != request.end() && limit->is_number_unsigned() ? limit->get<std::uint64_t>() : kAll};
  std::uint64_t shown = 0;
  for (const std::unique_ptr<Worker>& worker : context.supervisor.workforce().workers()) {
    if (!has_process(worker->state()) || !worker->reader()) continue;
    if (!filter.tenant.empty() && filter.tenant != worker->tenant().settings.name) continue;
    Result<std::uint64_t> sent = co_await send_connections(*worker, filter, connection);
    if (!sent) co_return fail(std::move(sent).error());
    shown += *sent;
    filter.limit -= *sent;
  }
  const json result = {{"connections", shown}};
  co_return co_await connection.result(result);
}

// The supervisor reads the file with its own rights, so a member of the control group, who has less, may only ask
// about the file that is in use: messages quote what they find.
Task<Result<>> check(const ControlContext& context, ControlConnection& connection, const json& request) {
  const Supervisor& supervisor = context.supervisor;
  const std::string in_use = supervisor.configuration().file;
  std::string file = text_at(request, "file");
  if (file.empty()) file = in_use;
  if (file != in_use && context.who.uid != 0 && context.who.uid != ::geteuid()) {
    const Error refused(Code::kForbidden,
                        "only the configuration in use, " + in_use + ", can be checked by the control group");
    co_return co_await connection.error(refused);
  }
  const auto loaded = load_configuration(file, supervisor.application_override());
  json problems = json::array();
  json changes = json::array();
  if (loaded) {
    for (std::string& path : ipc::differences(supervisor.configuration().settings, loaded->settings))
      changes.push_back(std::move(path));
  } else {
    for (const settings::Problem& problem : loaded.error().all())
      problems.push_back({{"file", problem.file},
                          {"line", problem.mark.line},
                          {"column", problem.mark.column},
                          {"path", problem.path},
                          {"text", problem.text},
                          {"message", problem.line()}});
  }
  const json result = {{"file", file}, {"ok", loaded.has_value()}, {"problems", problems}, {"changes", changes}};
  co_return co_await connection.result(result);
}

Task<Result<>> stop(const ControlContext& context, ControlConnection& connection, const json& request) {
  const std::string how = text_at(request, "how");
  const std::string drain = text_at(request, "drain");
  std::optional<Millis> budget;
  if (!drain.empty()) {
    const Result<Milliseconds> parsed = parse_duration(drain);
    if (!parsed) co_return co_await connection.error(parsed.error());
    budget = *parsed;
  }
  if (!how.empty() && how != "drain" && how != "now") {
    const Error wrong(Code::kBadSyntax, "\"how\" is drain or now");
    co_return co_await connection.error(wrong);
  }
  const json result = {{"stopping", true}, {"how", how.empty() ? "drain" : how}};
  // answered first: leaving takes the control socket away
  Result<> answered = co_await connection.result(result);
  context.supervisor.leave(how == "now" ? Supervisor::Leave::kNow : Supervisor::Leave::kDrain, budget,
                           "sluicectl stop");
  co_return answered;
}

Task<Result<>> log_level(const ControlContext& context, ControlConnection& connection, const json& request) {
  const std::string wanted = text_at(request, "level");
  const std::string before(name(context.supervisor.log_level()));
  if (!wanted.empty()) {
    const std::optional<LogLevel> level = parse_log_level(wanted);
    if (!level) {
      const Error wrong(Code::kBadSyntax, "the level is debug, info, warn or error");
      co_return co_await connection.error(wrong);
    }
    context.supervisor.set_log_level(*level);
  }
  const json result = {{"level", name(context.supervisor.log_level())}, {"before", before}};
  co_return co_await connection.result(result);
}

struct Command {
  std::string_view name;
  Task<Result<>> (*run)(const ControlContext&, ControlConnection&, const json&);
  LogLevel logged;  ///< looking is of little interest afterwards, changing is
};
constexpr std::array kCommands = {
    Command{"status", status, LogLevel::kDebug},
    Command{"workers", workers, LogLevel::kDebug},
    Command{"connections", connections, LogLevel::kDebug},
    Command{"upstreams", upstreams, LogLevel::kDebug},
    Command{"config", config, LogLevel::kDebug},
    Command{"check", check, LogLevel::kDebug},
    Command{"stop", stop, LogLevel::kInfo},
    Command{"log-level", log_level, LogLevel::kInfo},
};

}  // namespace

Task<Result<>> answer(const ControlContext& context, ControlConnection& connection, const json& request) {
  const std::string& name = ipc::command_of(request);
  const auto* const found = std::ranges::find(kCommands, name, &Command::name);
  if (found == kCommands.end()) {
    const Error unknown(Code::kUnsupported, "there is no command \"" + name.substr(0, 64) + "\"");
    co_return co_await connection.error(unknown);
  }
  context.log.say(found->logged, "control",
                  {{"command", found->name}, {"uid", context.who.uid}, {"client_pid", context.who.pid}});
  co_return co_await found->run(context, connection, request);
}

}  // namespace sluice::supervisor
