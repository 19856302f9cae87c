// See control_commands.h.
#include "supervisor/control_commands.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/settings/units.h"
#include "ipc/connection_table.h"
#include "supervisor/control_check.h"
#include "supervisor/control_status.h"
#include "supervisor/control_upgrade.h"
#include "supervisor/control_upstreams.h"
#include "supervisor/json_at.h"
#include "supervisor/supervisor.h"

namespace sluice::supervisor {
namespace {
using ipc::ControlConnection;
using nlohmann::json;

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

// Of a worker that drains: what keeps a connection there. Idle ones and tunnels move by themselves; those that are left
// have been refused, and the log says why.
std::string_view stays_for(const Worker& worker, ipc::ConnectionState state) {
  if (worker.state() != WorkerState::kDraining) return {};
  switch (state) {
    case ipc::ConnectionState::kIdle:
    case ipc::ConnectionState::kTunnel:
      return "not handed over";
    case ipc::ConnectionState::kClosing:
      return "closing";
    case ipc::ConnectionState::kReading:
    case ipc::ConnectionState::kDialing:
    case ipc::ConnectionState::kWaiting:
    case ipc::ConnectionState::kRelaying:
    case ipc::ConnectionState::kQueued:
      return "request in flight";
    case ipc::ConnectionState::kFlow:
      return "not silent yet";
  }
  return {};
}

json connection_json(const Worker& worker, const ipc::ConnectionRecord& record, const std::string& endpoint) {
  return {{"tenant", worker.tenant().settings.name},
          {"worker", worker.index()},
          {"generation", worker.generation()},
          {"id", record.id},
          {"client", record.client},
          {"endpoint", endpoint},
          {"state", ipc::name(record.state)},
          {"started_unix_ms", record.started_unix_ms},
          {"requests", record.requests},
          {"bytes_in", record.bytes_in},
          {"bytes_out", record.bytes_out},
          {"target", record.target},
          {"stays_for", stays_for(worker, record.state)}};
}

std::vector<json> connections_of(const Worker& worker, const Filter& filter) {
  std::vector<json> items;
  const Result<ipc::SlabView> view = worker.slab()->reader->view();
  if (!view) return items;
  ipc::ConnectionReader reader(*view);
  const std::vector<Endpoint>& endpoints = worker.tenant().endpoints;
  while (items.size() < filter.limit) {
    const std::optional<ipc::ConnectionRecord> record = reader.next();
    if (!record) break;
    const std::string endpoint =
        record->endpoint_index < endpoints.size() ? endpoints[record->endpoint_index].name : "?";
    if (!filter.endpoint.empty() && filter.endpoint != endpoint) continue;
    items.push_back(connection_json(worker, *record, endpoint));
  }
  return items;
}

struct Place {
  std::uint64_t generation = 0;
  std::size_t worker = 0;
};
// The worker at this place or the next one; moves the place behind it. By number and not by pointer: generations and
// their workers may go while a slow client reads.
const Worker* next_worker(const Supervisor& supervisor, Place& place) {
  for (const std::unique_ptr<Generation>& generation : supervisor.generations().all()) {
    if (generation->number() < place.generation) continue;
    if (generation->number() > place.generation) place = {.generation = generation->number(), .worker = 0};
    const auto& workers = generation->workforce().workers();
    if (place.worker < workers.size()) return workers[place.worker++].get();
  }
  return nullptr;
}

// Straight from the slabs: no worker is asked. What a dead worker left behind is not alive and not shown.
Task<Result<>> connections(const ControlContext& context, ControlConnection& connection, const json& request) {
  constexpr std::uint64_t kAll = UINT64_MAX;
  const auto limit = request.find("limit");
  Filter filter{.tenant = text_at(request, "tenant"),
                .endpoint = text_at(request, "endpoint"),
                .limit = limit != request.end() && limit->is_number_unsigned() ? limit->get<std::uint64_t>() : kAll};
  std::uint64_t shown = 0;
  Place place;
  while (const Worker* worker = next_worker(context.supervisor, place)) {
    if (!has_process(worker->state()) || worker->slab() == nullptr) continue;
    if (!filter.tenant.empty() && filter.tenant != worker->tenant().settings.name) continue;
    const std::vector<json> items = connections_of(*worker, filter);
    for (const json& item : items) {
      Result<> sent = co_await connection.item(item);
      if (!sent) co_return fail(std::move(sent).error());
    }
    shown += items.size();
    filter.limit -= items.size();
  }
  const json result = {{"connections", shown}};
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
    Command{"check", control_check, LogLevel::kDebug},
    Command{"diff", control_diff, LogLevel::kDebug},
    Command{"upgrade", control_upgrade, LogLevel::kInfo},
    Command{"upgrades", control_upgrades, LogLevel::kDebug},
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
