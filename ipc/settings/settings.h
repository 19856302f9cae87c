// Settings: the whole configuration of Sluice as supervisor, workers, admin and control share it.
//
// Plain structs that describe themselves (base/settings/describe.h): a new option is one member and one line in
// describe(). The supervisor reads the file into Settings; a worker gets its own TenantSettings as JSON. Include this
// header to use the values; reading and writing are functions here, so that only one file pays for the templates.
#pragma once
#include <array>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ipc/settings/tenant.h"

namespace sluice::settings {
struct Change;  // base/settings/node_writer.h
}

namespace sluice::ipc {

struct ApplicationSettings {
  std::string program;

  static constexpr std::string_view about = "The application: the program that the workers run.";
  static constexpr void describe(auto& f) {
    f(&ApplicationSettings::program, "program",
      "Absolute path of its binary. Empty: sluice-proxy in the folder of sluice itself.")
        .check(kFilePath);
  }
};
static_assert(settings::complete<ApplicationSettings>());

enum class LogLevel : std::uint8_t { kError, kWarn, kInfo, kDebug };
constexpr auto choices(LogLevel) {
  using settings::Choice;
  return std::array{Choice{LogLevel::kError, "error", "only what needs somebody"},
                    Choice{LogLevel::kWarn, "warn", "what may need somebody"},
                    Choice{LogLevel::kInfo, "info", "what happens: start, stop, reload, workers coming and going"},
                    Choice{LogLevel::kDebug, "debug", "everything, for finding a fault"}};
}
enum class LogFormat : std::uint8_t { kAuto, kJson, kHuman };
constexpr auto choices(LogFormat) {
  using settings::Choice;
  return std::array{Choice{LogFormat::kAuto, "auto", "human on a terminal, json otherwise"},
                    Choice{LogFormat::kJson, "json", "one JSON object a line"},
                    Choice{LogFormat::kHuman, "human", "coloured text for eyes"}};
}

struct LogSettings {
  LogLevel level = LogLevel::kInfo;
  LogFormat format = LogFormat::kAuto;
  std::string file;

  static constexpr std::string_view about =
      "The log of all processes. Access log lines go to the same place, whatever the level.";
  static constexpr void describe(auto& f) {
    using S = LogSettings;
    f(&S::level, "level", "How much is written. `sluicectl log-level` changes it while running.");
    f(&S::format, "format", "What a line looks like.");
    f(&S::file, "file",
      "Absolute path of a file to append to; SIGHUP opens it again, for log rotation. Empty: standard error.")
        .check(kFilePath);
  }
};
static_assert(settings::complete<LogSettings>());

struct ControlSettings {
  std::string path;
  std::string group;

  static constexpr std::string_view about =
      "The socket that sluicectl talks to. Only root and the user that sluice runs as are let in.";
  static constexpr void describe(auto& f) {
    using S = ControlSettings;
    f(&S::path, "path",
      "Absolute path of the socket. Empty: /run/sluice/control.sock as root, otherwise $XDG_RUNTIME_DIR/sluice.sock, "
      "otherwise /tmp/sluice-<uid>/control.sock.")
        .check(kFilePath);
    f(&S::group, "group",
      "Group (name or number) whose members are let in too; the socket then has mode 0660. Empty: mode 0600.")
        .check(kAccount);
  }
};
static_assert(settings::complete<ControlSettings>());

struct AdminSettings {
  bool enabled = true;
  std::vector<std::string> listen = {"127.0.0.1:9464"};

  static constexpr std::string_view about =
      "HTTP for machines: /metrics (Prometheus), /ready, /live. It has no passwords, so keep it on loopback.";
  static constexpr void describe(auto& f) {
    using S = AdminSettings;
    f(&S::enabled, "enabled", "Run the admin process.");
    f(&S::listen, "listen", "Addresses to listen on, in the same forms as an endpoint's.").check(kListen).filled();
  }
};
static_assert(settings::complete<AdminSettings>());

struct ShutdownSettings {
  Milliseconds drain = 30s;
  Milliseconds idle = 500ms;
  Milliseconds request = 0s;
  Milliseconds upload = 0s;
  Milliseconds tunnel = 0s;
  Milliseconds flow = 1s;

  static constexpr std::string_view about = "Leaving.";
  static constexpr void describe(auto& f) {
    using S = ShutdownSettings;
    f(&S::drain, "drain",
      "After SIGTERM: time for open requests and tunnels to end by themselves before they are cut. SIGINT does not "
      "wait.")
        .range(100ms, 24h)
        .zero("cut at once");
    f(&S::idle, "idle", "Time for a connection without a request to send one more, which is answered and closes it.")
        .range(1ms, 24h)
        .zero("as long as drain");
    f(&S::request, "request", "Time for a request and its response.").range(1ms, 24h).zero("as long as drain");
    f(&S::upload, "upload", "Time for a request whose body is still coming.").range(1ms, 24h).zero("as long as drain");
    f(&S::tunnel, "tunnel", "Time for a tunnel.").range(1ms, 24h).zero("as long as drain");
    f(&S::flow, "flow", "Time for a flow of datagrams.").range(1ms, 24h).zero("as long as drain");
  }
};
static_assert(settings::complete<ShutdownSettings>());

struct UpgradeDrainSettings {
  Milliseconds idle = 60s;
  Milliseconds request = 5min;
  Milliseconds upload = 10min;
  Milliseconds tunnel = 1h;
  Milliseconds flow = 5min;
  std::uint32_t spread = 20;

  static constexpr std::string_view about =
      "How long the old workers may keep what was open and is not handed over, by what it is. Responses on such "
      "connections say Connection: close meanwhile.";
  static constexpr void describe(auto& f) {
    using S = UpgradeDrainSettings;
    f(&S::idle, "idle", "A connection without a request, from when it became idle.").range(0s, 24h);
    f(&S::request, "request", "A request and its response.").range(0s, 24h);
    f(&S::upload, "upload", "A request whose body is still coming.").range(0s, 24h);
    f(&S::tunnel, "tunnel", "A tunnel: CONNECT, WebSocket.").range(0s, 24h * 30);
    f(&S::flow, "flow", "A flow of datagrams that does not end by its idle_timeout.").range(0s, 24h * 30);
    f(&S::spread, "spread",
      "Percent by which the time of a single connection is shortened at most, each by another part, so that not all "
      "clients come back in the same moment.")
        .range(0, 100);
  }
};
static_assert(settings::complete<UpgradeDrainSettings>());

struct HandoverSettings {
  bool enabled = true;
  bool idle = true;
  bool tunnels = true;

  static constexpr std::string_view about =
      "Clear-text connections go on in the new workers, which get their sockets and their state, so that the old ones "
      "end within seconds. What cannot move (a request that is under way) drains.";
  static constexpr void describe(auto& f) {
    using S = HandoverSettings;
    f(&S::enabled, "enabled", "Hand connections over.");
    f(&S::idle, "idle", "Connections between two requests.");
    f(&S::tunnels, "tunnels", "Tunnels: CONNECT, WebSocket.");
  }
};
static_assert(settings::complete<HandoverSettings>());

enum class AtLimit : std::uint8_t { kRefuse, kCutOldest };
constexpr auto choices(AtLimit) {
  using settings::Choice;
  return std::array{
      Choice{AtLimit::kRefuse, "refuse", "the upgrade is refused and says so"},
      Choice{AtLimit::kCutOldest, "cut_oldest",
             "what the oldest of them still has is cut; where that does not help, the upgrade is refused"}};
}

enum class UdpSteering : std::uint8_t { kAuto, kBpf, kForward };
constexpr auto choices(UdpSteering) {
  using settings::Choice;
  return std::array{
      Choice{UdpSteering::kAuto, "auto", "bpf where it can be had, otherwise forward; `sluicectl status` says which"},
      Choice{UdpSteering::kBpf, "bpf", "the kernel finds the worker of a datagram, by a program that Sluice loads"},
      Choice{UdpSteering::kForward, "forward", "workers pass on to each other what is not theirs"}};
}

struct UpgradeSettings {
  Milliseconds preflight_timeout = 30s;
  Milliseconds probation = 10s;
  std::uint32_t probation_crashes = 2;
  HandoverSettings handover;
  UpgradeDrainSettings drain;
  std::uint32_t draining = 4;
  Size memory;
  AtLimit at_limit = AtLimit::kRefuse;
  std::uint32_t keep = 20;
  UdpSteering udp_steering = UdpSteering::kAuto;

  static constexpr std::string_view about =
      "New configuration or a new application without losing anything, by SIGHUP or `sluicectl upgrade`: new workers "
      "start beside the old ones, take over the listening sockets when all are ready, and the old ones drain.";
  static constexpr void describe(auto& f) {
    using S = UpgradeSettings;
    f(&S::preflight_timeout, "preflight_timeout", "Longest time for checking the new configuration and application.")
        .range(1s, 10min);
    f(&S::probation, "probation",
      "Time after the switch in which the old workers stay as they are, so that the switch can be taken back.")
        .range(100ms, 1h)
        .zero("the old workers drain at once");
    f(&S::probation_crashes, "probation_crashes",
      "So many crashes of new workers within the probation give the sockets back to the old ones.")
        .range(1, 1000);
    f(&S::handover, "handover", "");
    f(&S::drain, "drain", "");
    f(&S::draining, "draining", "Generations that may drain at a time.").range(1, 100);
    f(&S::memory, "memory",
      "Memory that old generations may take together while they drain, the one that serves now included: it drains "
      "next. Besides, a new generation is started only when the machine, the control groups that sluice is in and its "
      "limits on descriptors have room for it.")
        .at_least(Size::mib(1))
        .zero("no limit of its own");
    f(&S::at_limit, "at_limit", "What an upgrade does when so many drain already, or when there is no room.");
    f(&S::keep, "keep", "Upgrades that `sluicectl upgrades` remembers.").range(1, 1000);
    f(&S::udp_steering, "udp_steering",
      "How datagrams find the generation that has their flow. Changed only by a restart.");
  }
};
static_assert(settings::complete<UpgradeSettings>());

struct RestartSettings {
  Milliseconds backoff_min = 50ms;
  Milliseconds backoff_max = 10s;
  std::uint32_t crash_loop_count = 5;
  Milliseconds crash_loop_window = 30s;
  Milliseconds ready_timeout = 10s;

  static constexpr std::string_view about = "What happens when a worker dies.";
  static constexpr void describe(auto& f) {
    using S = RestartSettings;
    f(&S::backoff_min, "backoff_min", "Pause before the first restart; it doubles with every further crash.")
        .range(1ms, 1h);
    f(&S::backoff_max, "backoff_max", "Longest pause.").range(1ms, 24h);
    f(&S::crash_loop_count, "crash_loop_count",
      "So many crashes of one worker within the window are a crash loop, which is logged as an error and shown by "
      "`sluicectl status`.")
        .range(2, 1000);
    f(&S::crash_loop_window, "crash_loop_window", "The window of the crash loop.").range(1s, 24h);
    f(&S::ready_timeout, "ready_timeout", "A worker that is not ready after this time is killed and counts as crashed.")
        .range(100ms, 10min);
  }
};
static_assert(settings::complete<RestartSettings>());

struct Settings {
  ApplicationSettings application;
  LogSettings log;
  ControlSettings control;
  AdminSettings admin;
  ShutdownSettings shutdown;
  RestartSettings restart_policy;
  UpgradeSettings upgrade;
  std::vector<TenantSettings> tenants;

  static constexpr std::string_view about = "Configuration of Sluice.";
  static constexpr void describe(auto& f) {
    using S = Settings;
    f(&S::application, "application", "");
    f(&S::log, "log", "");
    f(&S::control, "control", "");
    f(&S::admin, "admin", "");
    f(&S::shutdown, "shutdown", "");
    f(&S::restart_policy, "restart_policy", "");
    f(&S::upgrade, "upgrade", "");
    f(&S::tenants, "tenants", "").filled();
  }

  /// What one field cannot know: names that must differ, routes to upstreams that must exist, addresses used twice.
  void validate(settings::Problems& problems) const;
  /// The configuration that --print-default-config prints: a forward and a reverse endpoint on loopback.
  [[nodiscard]] static Settings example();
};
static_assert(settings::complete<Settings>());

/// From the text of a configuration file; `file` is its name in messages.
[[nodiscard]] std::expected<Settings, settings::Problems> read_settings(const settings::Document& document);
/// The same two steps in one: parse_yaml() and read_settings().
[[nodiscard]] std::expected<Settings, settings::Problems> load_settings(std::string_view text, std::string file);

/// JSON for the way to another process, with secrets; read back by settings_from_json(). To workers: parts.h.
[[nodiscard]] std::string to_json(const Settings& settings);
[[nodiscard]] std::string to_json(const TenantSettings& tenant);
[[nodiscard]] Result<Settings> settings_from_json(std::string_view text);
[[nodiscard]] Result<TenantSettings> tenant_from_json(std::string_view text);
/// Indented JSON for people, secrets hidden.
[[nodiscard]] std::string shown(const Settings& settings);

/// Texts from the application for its own sections, in place of "settings: {}"; each may be empty.
struct ApplicationTexts {
  std::string tenant;    ///< for tenants[].settings
  std::string endpoint;  ///< for tenants[].endpoints[].settings
};
/// The commented configuration file.
[[nodiscard]] std::string default_config(const ApplicationTexts& yaml = {});
/// The JSON schema, draft 2020-12.
[[nodiscard]] std::string config_schema(const ApplicationTexts& schemas = {});

/// What an endpoint says beyond the defaults: paths in it, "http.head_limit".
[[nodiscard]] std::vector<std::string> said_in(const EndpointSettings& endpoint);

[[nodiscard]] bool same(const UpstreamSettings& one, const UpstreamSettings& other);
/// What differs, with both values, secrets hidden.
[[nodiscard]] std::vector<settings::Change> changes(const Settings& before, const Settings& after);
/// Paths that differ, "tenants[0].workers".
[[nodiscard]] std::vector<std::string> differences(const Settings& before, const Settings& after);

}  // namespace sluice::ipc
