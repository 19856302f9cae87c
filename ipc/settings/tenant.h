// Settings of a tenant: its workers, their limits and sandbox, and everything it proxies. Nothing is shared between two
// tenants.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "ipc/settings/endpoint.h"
#include "ipc/settings/limits.h"
#include "ipc/settings/upstream.h"

namespace sluice::ipc {

enum class Seccomp : std::uint8_t { kKill, kLog, kOff };
constexpr auto choices(Seccomp) {
  using settings::Choice;
  return std::array{Choice{Seccomp::kKill, "kill", "a system call that is not on the list ends the worker"},
                    Choice{Seccomp::kLog, "log", "such a call is let through and written to the kernel's audit log"},
                    Choice{Seccomp::kOff, "off", "no filter"}};
}

struct SandboxSettings {
  Seccomp seccomp = Seccomp::kKill;
  bool namespaces = true;
  bool landlock = true;

  static constexpr std::string_view about =
      "How workers are locked in, on top of dropped capabilities and no_new_privs, which are always on. What the "
      "kernel or "
      "missing privileges do not permit is left out; `sluicectl status` says what is on and why something is not.";
  static constexpr void describe(auto& f) {
    using S = SandboxSettings;
    f(&S::seccomp, "seccomp", "The list of allowed system calls.");
    f(&S::namespaces, "namespaces", "Private mount (with an empty root), IPC, UTS, PID and user namespaces.");
    f(&S::landlock, "landlock", "No file system access and no listening by Landlock, as far as the kernel has it.");
  }
};
static_assert(settings::complete<SandboxSettings>());

struct AccessLogSettings {
  bool enabled = true;
  double sample = 1.0;
  bool errors_always = true;
  bool query = true;
  std::vector<std::string> request_fields;
  std::vector<std::string> response_fields;
  std::vector<std::string> redact = {"authorization", "proxy-authorization", "cookie", "set-cookie"};

  static constexpr std::string_view about = "One JSON line for each request and each tunnel, in the log.";
  static constexpr void describe(auto& f) {
    using S = AccessLogSettings;
    f(&S::enabled, "enabled", "Write the access log.");
    f(&S::sample, "sample", "Part of the requests that is written, 0.01 being one in a hundred.").range(0.0, 1.0);
    f(&S::errors_always, "errors_always", "Write what was cut short or answered with 5xx, in the sample or not.");
    f(&S::query, "query", "Write the query of a target, not only its path.");
    f(&S::request_fields, "request_fields", "Request header fields to write with each line.").check(kFieldName);
    f(&S::response_fields, "response_fields", "Response header fields to write with each line.").check(kFieldName);
    f(&S::redact, "redact", "Header fields of which only the presence is written, never the value.").check(kFieldName);
  }
};
static_assert(settings::complete<AccessLogSettings>());

struct TenantSettings {
  std::string name = "default";
  std::uint32_t workers = 1;
  std::string user;
  std::string group;
  LimitSettings limits;
  SandboxSettings sandbox;
  settings::Node settings = settings::Node::map();
  std::vector<EndpointSettings> endpoints;
  SessionTicketSettings session_tickets;
  std::vector<UpstreamSettings> upstreams;
  OffRampSettings forward;
  EgressSettings egress;
  ResolverSettings resolver;
  AccessLogSettings access_log;

  static constexpr std::string_view about =
      "Tenants share nothing: each has its own worker processes, limits, caches, connections and metrics.";
  static constexpr void describe(auto& f) {
    using S = TenantSettings;
    f(&S::name, "name", "Name in logs, metrics and sluicectl, unique. \"sluice\" is taken by sluice itself.")
        .check(kName)
        .filled();
    f(&S::workers, "workers", "Worker processes.").range(1, 1024).zero("one for each CPU");
    f(&S::user, "user",
      "User (name or number) that the workers run as, when sluice runs as root. Empty: an unprivileged one of the "
      "tenant's own.")
        .check(kAccount);
    f(&S::group, "group",
      "Group (name or number) of the workers, when sluice runs as root. Empty: the one that goes with the user.")
        .check(kAccount);
    f(&S::limits, "limits", "");
    f(&S::sandbox, "sandbox", "");
    f(&S::settings, "settings",
      "The application's own settings for this tenant; sluice passes them on, the application checks them.");
    f(&S::endpoints, "endpoints", "");
    f(&S::session_tickets, "session_tickets", "");
    f(&S::upstreams, "upstreams", "");
    f(&S::forward, "forward", "");
    f(&S::egress, "egress", "");
    f(&S::resolver, "resolver", "");
    f(&S::access_log, "access_log", "");
  }
};
static_assert(settings::complete<TenantSettings>());

}  // namespace sluice::ipc
