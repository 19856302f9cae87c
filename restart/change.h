// What a change of a setting needs: the one table. The longest path that a setting lies below decides; docs/restart.md
// has the same table, and a test compares them. `sluicectl diff` shows it beforehand, the upgrader follows it.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::restart {

/// In order: what needs most decides for all changes together.
enum class Needs : std::uint8_t {
  kInPlace,     ///< is put in force in the processes that run
  kGeneration,  ///< new workers
  kRestart,     ///< only a start looks at it
};
/// "in place", "new generation", "restart".
[[nodiscard]] std::string_view name(Needs needs);

struct ChangeRule {
  std::string_view path;  ///< without the places in lists; "": everything else
  Needs needs;
};
inline constexpr std::array kChangeRules = {
    ChangeRule{"log.level", Needs::kInPlace},
    ChangeRule{"shutdown", Needs::kInPlace},
    ChangeRule{"upgrade", Needs::kInPlace},
    ChangeRule{"control", Needs::kRestart},
    ChangeRule{"log.file", Needs::kRestart},
    ChangeRule{"log.format", Needs::kRestart},
    ChangeRule{"upgrade.udp_steering", Needs::kRestart},
    ChangeRule{"tenants.upstreams", Needs::kInPlace},
    ChangeRule{"tenants.upstreams.source_addresses", Needs::kGeneration},
    ChangeRule{"tenants.endpoints.routes", Needs::kInPlace},
    ChangeRule{"tenants.endpoints.error_pages", Needs::kInPlace},
    ChangeRule{"tenants.endpoints.http", Needs::kInPlace},
    ChangeRule{"tenants.endpoints.forwarded", Needs::kInPlace},
    ChangeRule{"tenants.endpoints.proxy_auth", Needs::kInPlace},
    ChangeRule{"tenants.endpoints.proxy_protocol", Needs::kInPlace},
    ChangeRule{"tenants.endpoints.tls", Needs::kInPlace},
    ChangeRule{"tenants.endpoints.tls.enabled", Needs::kGeneration},
    ChangeRule{"tenants.endpoints.tunnel", Needs::kInPlace},
    ChangeRule{"tenants.endpoints.connect", Needs::kInPlace},
    ChangeRule{"tenants.session_tickets", Needs::kInPlace},
    ChangeRule{"tenants.limits.buffers", Needs::kInPlace},
    ChangeRule{"tenants.limits.request_rate", Needs::kInPlace},
    ChangeRule{"tenants.limits.request_burst", Needs::kInPlace},
    ChangeRule{"tenants.limits.source", Needs::kInPlace},
    ChangeRule{"tenants.access_log", Needs::kInPlace},
    ChangeRule{"", Needs::kGeneration},
};

/// Of the setting at a path such as "tenants[0].endpoints[1].routes[0].path".
[[nodiscard]] Needs needs_of(std::string_view path);

}  // namespace sluice::restart
