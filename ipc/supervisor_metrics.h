// What the supervisor says in its own slab (docs/metrics.md), by name: it writes them, the admin process shows them and
// learns from three of them whether the tenants are ready. The labels "tenant" and "worker" say whose slab a series
// stands in, so the supervisor, who speaks of others, uses labels of its own; the admin process shows them as those.
#pragma once
#include <string_view>

namespace sluice::ipc {

inline constexpr std::string_view kOfTenant = "of_tenant";
inline constexpr std::string_view kOfWorker = "of_worker";

inline constexpr std::string_view kDrainingMetric = "sluice_draining";
inline constexpr std::string_view kWorkersMetric = "sluice_workers";             // by tenant
inline constexpr std::string_view kWorkersReadyMetric = "sluice_workers_ready";  // by tenant
inline constexpr std::string_view kWorkerReadyMetric = "sluice_worker_ready";    // by tenant and worker
inline constexpr std::string_view kWorkerCrashesMetric = "sluice_worker_crashes_total";
inline constexpr std::string_view kWorkerLostMetric = "sluice_worker_lost_connections_total";
inline constexpr std::string_view kGenerationMetric = "sluice_generation";
inline constexpr std::string_view kGenerationsMetric = "sluice_generations";
inline constexpr std::string_view kUpgradesMetric = "sluice_upgrades_total";        // by outcome
inline constexpr std::string_view kSwitchedMetric = "sluice_upgrade_ledger_total";  // by work and fate

}  // namespace sluice::ipc
