// `sluicectl upstreams` for people: the workers of a tenant share a row per server, counts added up, and health said
// apart only where they differ. See text.h.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "app/sluicectl/json_at.h"
#include "app/sluicectl/table.h"
#include "app/sluicectl/text.h"

namespace sluice::ctl {
namespace {
using nlohmann::json;

// A server as all workers of its tenant see it together.
struct Server {
  std::string tenant;
  std::string upstream;
  std::string name;
  std::string state;
  std::string weight;
  std::size_t workers = 0;
  std::map<std::string, std::size_t> health;
  bool panic = false;
  bool circuit_open = false;
  std::map<std::string, std::uint64_t> sums;
  std::string last_error = "-";
  std::int64_t last_error_at = 0;
};

constexpr std::array kSums = {"in_flight", "idle", "queue", "requests", "failures", "ejections"};

void take(Server& server, const json& item) {
  server.state = text_at(item, "state");
  server.weight = text_at(item, "weight");
  ++server.workers;
  ++server.health[text_at(item, "health")];
  server.panic = server.panic || is_true(at(item, "panic"));
  server.circuit_open = server.circuit_open || is_true(at(item, "circuit_open"));
  for (const char* const key : kSums) server.sums[key] += count_at(item, key);
  if (const std::int64_t when = number_at(item, "last_error_unix_ms"); when > server.last_error_at) {
    server.last_error = text_at(item, "last_error");
    server.last_error_at = when;
  }
}

std::string health_text(const Server& server) {
  std::string text;
  for (const auto& [health, count] : server.health) {
    text += (text.empty() ? "" : ", ") + health;
    if (count != server.workers) text += fmt::format(" {}/{}", count, server.workers);
  }
  if (server.panic) text += ", panic";
  if (server.circuit_open) text += ", circuit open";
  return text;
}

}  // namespace

std::string upstreams_text(const std::vector<json>& items, std::int64_t now_unix_ms) {
  constexpr std::int64_t kMillis = 1000;
  std::vector<Server> servers;  // in the order of the configuration
  for (const json& item : items) {
    const std::string tenant = text_at(item, "tenant");
    const std::string upstream = text_at(item, "upstream");
    const std::string name = text_at(item, "server");
    auto found = std::ranges::find_if(
        servers, [&](const Server& s) { return s.tenant == tenant && s.upstream == upstream && s.name == name; });
    if (found == servers.end())
      found = servers.insert(servers.end(), {.tenant = tenant, .upstream = upstream, .name = name});
    take(*found, item);
  }
  Table table({"TENANT", "UPSTREAM", "SERVER", "STATE", "HEALTH", "WEIGHT", "IN FLIGHT", "IDLE", "QUEUE", "REQUESTS",
               "FAILURES", "EJECTIONS", "LAST ERROR"});
  const Server* before = nullptr;
  for (Server& server : servers) {
    const bool same = before != nullptr && before->tenant == server.tenant && before->upstream == server.upstream;
    const auto sum = [&](const char* key) { return std::to_string(server.sums[key]); };
    std::string last = server.last_error;
    if (server.last_error_at != 0) last += ", " + age_text((now_unix_ms - server.last_error_at) / kMillis) + " ago";
    table.add({server.tenant, server.upstream, server.name, server.state, health_text(server), server.weight,
               sum("in_flight"), sum("idle"), same ? "" : sum("queue"), sum("requests"), sum("failures"),
               sum("ejections"), last});
    before = &server;
  }
  return table.text();
}

}  // namespace sluice::ctl
