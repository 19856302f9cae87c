// See control_status.h.
#include "supervisor/control_status.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/version.h"
#include "ipc/settings/settings.h"
#include "supervisor/supervisor.h"

namespace sluice::supervisor {
namespace {
using nlohmann::json;

json protections_json(const std::vector<Protection>& protections) {
  json out = json::array();
  for (const Protection& protection : protections)
    out.push_back({{"name", protection.name}, {"on", protection.on}, {"why", protection.why}});
  return out;
}

json worker_json(const Worker& worker, Nanos now) {
  json out = {{"index", worker.index()},
              {"generation", worker.generation()},
              {"pid", nullptr},
              {"state", name(worker.state())},
              {"state_s", std::chrono::floor<std::chrono::seconds>(now - worker.since()).count()},
              {"restarts", worker.crashes()},
              {"last_exit", nullptr},
              {"lost_connections", worker.lost_connections()}};
  if (worker.pid() != 0) out["pid"] = worker.pid();
  if (!worker.last_exit().empty()) out["last_exit"] = worker.last_exit();
  return out;
}

json endpoint_json(const Endpoint& endpoint) {
  json listen = json::array();
  for (const std::shared_ptr<BoundAddress>& address : endpoint.addresses)
    listen.push_back({{"configured", address->configured()}, {"bound", address->bound()}});
  for (const std::unique_ptr<DatagramShare>& share : endpoint.datagrams)
    listen.push_back({{"configured", share->configured()}, {"bound", share->bound()}});
  return {{"name", endpoint.name},
          {"protocol", endpoint.datagrams.empty() ? "tcp" : "udp"},
          {"mode", settings::name_of(endpoint.mode)},
          {"listen", std::move(listen)}};
}

json steering_json(const Steering& steering) {
  const Steering::Count count = steering.count();
  return {{"kind", name(steering.kind())},
          {"why", steering.why()},
          {"addresses", count.addresses},
          {"ranges", count.ranges},
          {"sockets", count.sockets}};
}

// The worst of its workers speaks for the tenant.
std::string_view tenant_state(const Supervisor& supervisor, const Tenant& tenant) {
  bool all_ready = true;
  bool crash_loop = false;
  for (const std::unique_ptr<Worker>& worker : supervisor.serving().workforce().workers()) {
    if (&worker->tenant() != &tenant) continue;
    all_ready = all_ready && worker->ready();
    crash_loop = crash_loop || worker->state() == WorkerState::kCrashLoop;
  }
  if (supervisor.leaving()) return "leaving";
  if (crash_loop) return "crash_loop";
  return all_ready ? "ready" : "not_ready";
}

std::string_view state_of(const Supervisor& supervisor, const Generation& generation) {
  if (&generation == &supervisor.serving()) return "serving";
  return generation.draining() ? "draining" : "standing_by";
}

json generations_json(const Supervisor& supervisor) {
  json out = json::array();
  for (const std::unique_ptr<Generation>& generation : supervisor.generations().all()) {
    std::size_t processes = 0;
    for (const std::unique_ptr<Worker>& worker : generation->workforce().workers())
      if (worker->pid() != 0) ++processes;
    out.push_back(
        {{"number", generation->number()}, {"state", state_of(supervisor, *generation)}, {"processes", processes}});
  }
  return out;
}

}  // namespace

json status_json(const Supervisor& supervisor) {
  const Nanos now = supervisor.loop().now();
  json tenants = json::array();
  json listeners = json::array();
  for (const std::unique_ptr<Tenant>& tenant : supervisor.serving().tenants()) {
    json workers = json::array();
    for (const std::unique_ptr<Worker>& worker : supervisor.serving().workforce().workers()) {
      if (&worker->tenant() != tenant.get()) continue;
      json item = worker_json(*worker, now);
      item["protections"] = protections_json(worker->protections());
      workers.push_back(std::move(item));
    }
    json endpoints = json::array();
    for (const Endpoint& endpoint : tenant->endpoints) {
      endpoints.push_back(endpoint_json(endpoint));
      for (const std::shared_ptr<BoundAddress>& address : endpoint.addresses)
        listeners.push_back(
            {{"tenant", tenant->settings.name}, {"endpoint", endpoint.name}, {"address", address->bound()}});
      for (const std::unique_ptr<DatagramShare>& share : endpoint.datagrams)
        listeners.push_back({{"tenant", tenant->settings.name},
                             {"endpoint", endpoint.name},
                             {"address", share->bound()},
                             {"protocol", "udp"}});
    }
    tenants.push_back({{"name", tenant->settings.name},
                       {"state", tenant_state(supervisor, *tenant)},
                       {"workers", std::move(workers)},
                       {"endpoints", std::move(endpoints)}});
  }
  const Configuration& configuration = supervisor.configuration();
  return {{"version", version()},
          {"pid", ::getpid()},
          {"uptime_s", std::chrono::floor<std::chrono::seconds>(supervisor.uptime()).count()},
          {"generation", supervisor.serving().number()},
          {"generations", generations_json(supervisor)},
          {"ready", supervisor.ready()},
          {"leaving", supervisor.leaving()},
          {"config", configuration.file},
          {"log_level", name(supervisor.log_level())},
          {"application",
           {{"name", configuration.application.about.name},
            {"version", configuration.application.about.version},
            {"program", configuration.application.path}}},
          {"protections", protections_json(supervisor.protections())},
          {"udp_steering", steering_json(supervisor.generations().steering())},
          {"tenants", std::move(tenants)},
          {"listeners", std::move(listeners)}};
}

json workers_json(const Supervisor& supervisor) {
  json workers = json::array();
  for (const std::unique_ptr<Generation>& generation : supervisor.generations().all())
    for (const std::unique_ptr<Worker>& worker : generation->workforce().workers()) {
      if (generation.get() != &supervisor.serving() && worker->pid() == 0) continue;  // gone for good
      json item = worker_json(*worker, supervisor.loop().now());
      item["tenant"] = worker->tenant().settings.name;
      workers.push_back(std::move(item));
    }
  return {{"workers", std::move(workers)}};
}

}  // namespace sluice::supervisor
