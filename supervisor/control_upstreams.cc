// See control_upstreams.h. What a worker wrote is a claim: texts are printable by then, numbers are just shown.
#include "supervisor/control_upstreams.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "ipc/server_table.h"
#include "supervisor/json_at.h"
#include "supervisor/supervisor.h"

namespace sluice::supervisor {
namespace {
using ipc::ServerRow;
using nlohmann::json;

std::string_view health_of(const ServerRow& row) {
  if (row.is(ServerRow::kDown)) return "down";
  if (row.is(ServerRow::kEjected)) return "ejected";
  return row.is(ServerRow::kWarming) ? "warming" : "well";
}

json error_json(const ServerRow& row) {
  if (row.last_error == 0) return nullptr;
  // a number that is no code comes from a worker that was taken over
  if (row.last_error > static_cast<std::uint64_t>(Code::kProtocol) + 1) return "?";
  return name(static_cast<Code>(row.last_error - 1));
}

json server_json(const Worker& worker, const ServerRow& row) {
  return {{"tenant", worker.tenant().settings.name},
          {"worker", worker.index()},
          {"upstream", row.upstream},
          {"server", row.server},
          {"state", row.is(ServerRow::kActive) ? "active" : "drain"},
          {"health", health_of(row)},
          {"serving", row.is(ServerRow::kServing)},
          {"panic", row.is(ServerRow::kPanic)},
          {"circuit_open", row.is(ServerRow::kCircuit)},
          {"weight", row.weight},
          {"in_flight", row.in_flight},
          {"idle", row.idle},
          {"queue", row.queue},
          {"requests", row.requests},
          {"failures", row.failures},
          {"ejections", row.ejections},
          {"last_error", error_json(row)},
          {"last_error_unix_ms", row.last_error_unix_ms}};
}

}  // namespace

Task<Result<>> send_upstreams(const Supervisor& supervisor, ipc::ControlConnection& connection, const json& request) {
  const std::string tenant = text_at(request, "tenant");
  const std::string upstream = text_at(request, "upstream");
  // all of it before the first wait: workers and their generation may go while a slow client reads
  std::vector<json> items;
  for (const std::unique_ptr<Worker>& worker : supervisor.serving().workforce().workers()) {
    if (!has_process(worker->state()) || worker->slab() == nullptr) continue;
    if (!tenant.empty() && tenant != worker->tenant().settings.name) continue;
    const Result<ipc::SlabView> view = worker->slab()->reader->view();
    if (!view) continue;
    for (const ServerRow& row : ipc::read_servers(*view))
      if (upstream.empty() || upstream == row.upstream) items.push_back(server_json(*worker, row));
  }
  for (const json& item : items) {
    Result<> sent = co_await connection.item(item);
    if (!sent) co_return fail(std::move(sent).error());
  }
  const json result = {{"servers", items.size()}};
  co_return co_await connection.result(result);
}

}  // namespace sluice::supervisor
