// See text.h.
#include "app/sluicectl/text.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "app/sluicectl/json_at.h"
#include "app/sluicectl/table.h"

namespace sluice::ctl {
namespace {
using nlohmann::json;

// One row per address; the tenant's own columns stand in its first row only.
std::string tenants_table(const json& status) {
  Table table({"TENANT", "STATE", "WORKERS", "ENDPOINT", "MODE", "ADDRESS"});
  for (const json& tenant : at(status, "tenants")) {
    std::size_t ready = 0;
    for (const json& worker : at(tenant, "workers"))
      if (text_at(worker, "state") == "ready") ++ready;
    std::vector<std::string> own = {text_at(tenant, "name"), text_at(tenant, "state"),
                                    fmt::format("{}/{}", ready, at(tenant, "workers").size())};
    const auto row = [&](std::string endpoint, std::string mode, std::string address) {
      std::vector<std::string> cells = own;
      cells.insert(cells.end(), {std::move(endpoint), std::move(mode), std::move(address)});
      table.add(std::move(cells));
      own = {"", "", ""};
    };
    for (const json& endpoint : at(tenant, "endpoints"))
      for (const json& listen : at(endpoint, "listen"))
        row(text_at(endpoint, "name"), text_at(endpoint, "mode"), text_at(listen, "bound"));
    if (!own[0].empty()) row("-", "-", "-");
  }
  return table.text();
}

// Only where somebody takes datagrams.
std::string steering_line(const json& status) {
  const json& steering = at(status, "udp_steering");
  const std::string kind = text_at(steering, "kind");
  if (kind == "bpf") return "datagrams find their generation by BPF\n";
  if (kind != "forward") return {};
  return fmt::format("datagrams are passed on between generations ({})\n", harmless(text_at(steering, "why")));
}

struct Said {
  std::string name;
  bool on;
  std::string why;
  auto operator<=>(const Said&) const = default;
};

// Workers that say the same share a row.
std::string protections_table(const json& status) {
  std::vector<Said> order;
  struct Whose {
    std::vector<std::string> names;
    std::size_t workers = 0;
  };
  std::map<Said, Whose> who;
  const auto take = [&](const json& protections, const std::string& whose, std::size_t workers) {
    for (const json& protection : protections) {
      const Said said{.name = text_at(protection, "name"),
                      .on = is_true(at(protection, "on")),
                      .why = at(protection, "why").is_string() ? text_at(protection, "why") : ""};
      Whose& those = who[said];
      if (those.names.empty()) order.push_back(said);
      those.names.push_back(whose);
      those.workers += workers;
    }
  };
  std::size_t workers = 0;
  for (const json& tenant : at(status, "tenants"))
    for (const json& worker : at(tenant, "workers")) {
      take(at(worker, "protections"), fmt::format("{}/{}", text_at(tenant, "name"), text_at(worker, "index")), 1);
      ++workers;
    }
  take(at(status, "protections"), "supervisor", 0);
  Table table({"PROTECTION", "STATE", "OF", "WHY"});
  for (const Said& said : order) {
    const auto& [names, of_workers] = who[said];
    const bool every = of_workers == workers && workers > 1;
    std::string of = every ? "every worker" : "";
    for (std::size_t i = every ? workers : 0; i < names.size(); ++i) of += (of.empty() ? "" : " ") + names[i];
    table.add({said.name, said.on ? "on" : "off", of, said.why});
  }
  return table.empty() ? std::string() : "\n" + table.text();
}

}  // namespace

std::string status_text(const json& status) {
  const std::string_view state = is_true(at(status, "leaving")) ? "leaving"
                                 : is_true(at(status, "ready")) ? "ready"
                                                                : "not ready";
  const json& application = at(status, "application");
  std::string out = fmt::format("sluice {}, process {}, up {}, {}\n", text_at(status, "version"),
                                text_at(status, "pid"), age_text(number_at(status, "uptime_s")), state);
  out += fmt::format("application {} {} ({})\n", text_at(application, "name"), text_at(application, "version"),
                     harmless(text_at(application, "program")));
  out += fmt::format("configuration {}, log level {}\n", harmless(text_at(status, "config")),
                     text_at(status, "log_level"));
  return out + steering_line(status) + "\n" + tenants_table(status) + protections_table(status);
}

std::string workers_text(const json& result) {
  Table table({"TENANT", "WORKER", "PID", "STATE", "FOR", "RESTARTS", "LOST", "LAST EXIT"});
  for (const json& worker : at(result, "workers"))
    table.add({text_at(worker, "tenant"), text_at(worker, "index"), text_at(worker, "pid"), text_at(worker, "state"),
               age_text(number_at(worker, "state_s")), text_at(worker, "restarts"), text_at(worker, "lost_connections"),
               text_at(worker, "last_exit")});
  return table.text();
}

std::string connections_text(const std::vector<json>& connections, std::int64_t now_unix_ms) {
  constexpr std::int64_t kMillis = 1000;
  Table table(
      {"CLIENT", "TENANT", "WORKER", "ENDPOINT", "STATE", "AGE", "REQUESTS", "IN", "OUT", "TARGET", "STAYS FOR"});
  for (const json& connection : connections)
    table.add({text_at(connection, "client"), text_at(connection, "tenant"), text_at(connection, "worker"),
               text_at(connection, "endpoint"), text_at(connection, "state"),
               age_text((now_unix_ms - number_at(connection, "started_unix_ms")) / kMillis),
               text_at(connection, "requests"), bytes_text(count_at(connection, "bytes_in")),
               bytes_text(count_at(connection, "bytes_out")), text_at(connection, "target"),
               text_at(connection, "stays_for")});
  return table.text();
}

std::string check_text(const json& result) {
  std::string out;
  for (const json& problem : at(result, "problems")) out += harmless(text_at(problem, "message")) + "\n";
  if (!is_true(at(result, "ok"))) return out;
  out = harmless(text_at(result, "file")) + ": in order";
  const json& changes = at(result, "changes");
  if (changes.empty()) return out + ", the same as what runs\n";
  out += ", differs from what runs in:\n";
  for (const json& change : changes) out += "  " + harmless(text_of(change)) + "\n";
  return out;
}

}  // namespace sluice::ctl
