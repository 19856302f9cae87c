// A state with everything in it, for tests.
#pragma once
#include "restart/saved_state.h"

namespace sluice::restart {

inline SavedWorker example_worker(std::int32_t slab, std::int32_t first_fd) {
  SavedWorker worker;
  worker.state = "ready";
  worker.slab = slab;
  worker.ledger = {{.open = 3, .finished = 2, .cut = 1}, {}, {}};
  worker.last_words = {R"({"level":"error","event":"a \"quoted\" word"})"};
  worker.ends = {1, 2, 3};
  SavedProcess process;
  process.pid = 4711;
  process.channel = first_fd;
  process.phase = 1;
  process.said = {1, 2, 4, 64, 65, 66};
  process.queued = {{.hex = "0001ff", .fds = {first_fd + 1}}};
  process.sockets = {1, 3};
  process.log.fd = first_fd + 2;
  process.log.line = "half a li";
  process.protections = {{.name = "seccomp", .on = true, .why = ""}};
  worker.process = {process};
  return worker;
}

inline SavedState example_state() {
  SavedState state;
  state.version = kStateVersion;
  state.program = {.path = "/usr/bin/sluice", .version = "1.2.3", .fd = 10, .filters = {"abc"}};
  state.log_level = "info";
  state.log_fd = 11;
  state.control = {.path = "/run/sluice/control.sock", .fd = 12, .device = 1, .inode = 2};
  state.clients = {{.fd = 13, .input = "{\"comm", .upgrade = 2, .shown = 1, .until = "commit"}};
  state.next_socket = 4;
  state.addresses = {{.key = "127.0.0.1:80",
                      .configured = "127.0.0.1:80",
                      .bound = "127.0.0.1:80",
                      .sockets = {{.number = 1, .fd = 14, .inode = 77}, {.number = 2, .fd = 15, .inode = 78}},
                      .listening = 1}};
  state.own_slab = 16;
  state.slabs = {{.tenant = "main", .worker = 0, .number = 0, .connections = 64, .fd = 17}};
  state.private_ids = {{.tenant = "main", .id = 1'900'000'001}};
  state.past = {{.tenant = "main", .worker = 0, .crashes = 5, .lost_connections = 6}};
  state.tickets = {{.tenant = "acme", .since = 12, .hex = "00ff"}};
  state.last_generation = 2;
  state.serving = 2;
  SavedGeneration generation;
  generation.number = 2;
  generation.file = "/etc/sluice/sluice.yaml";
  generation.settings = "{}";
  generation.application = {.path = "/usr/bin/app", .fd = 18, .identity = "1:2:3", .about_text = "{}"};
  generation.accepted = true;
  SavedTenant tenant;
  tenant.name = "main";
  tenant.settings_fd = 19;
  tenant.workers = {example_worker(0, 20)};
  generation.tenants = {tenant};
  state.generations = {generation};
  SavedUpgrade ended{.number = 1, .why = "SIGHUP", .outcome = "unchanged"};
  ended.events = {{.unix_ms = 1, .phase = "preflight", .text = ""}, {.unix_ms = 2, .phase = "ended", .text = ""}};
  SavedUpgrade running{.number = 2, .why = "sluicectl"};
  running.events = {{.unix_ms = 3, .phase = "preflight", .text = ""}, {.unix_ms = 4, .phase = "exec", .text = ""}};
  state.upgrades = {ended, running};
  state.last_upgrade = 2;
  state.running = 2;
  state.checked = R"({"settings":"{}"})";
  return state;
}

}  // namespace sluice::restart
