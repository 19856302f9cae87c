// A tenant of one generation, as the supervisor runs it: everything that its workers have in common, made once before
// the first of them starts. Only the settings that workers get may change while the generation lives; its addresses may
// be shared with others.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "ipc/settings/settings.h"
#include "restart/saved_state.h"
#include "supervisor/config.h"
#include "supervisor/datagrams.h"
#include "supervisor/listeners.h"
#include "supervisor/spawn.h"

namespace sluice::supervisor {
class Takeover;

/// The tenants that run the admin process and the keyholder; no configuration can name one like these.
inline constexpr std::string_view kAdminTenant = "sluice";
inline constexpr std::string_view kKeyholderTenant = "sluice-keyholder";

struct Endpoint {
  std::string name;
  ipc::Mode mode;
  int backlog;
  std::vector<std::shared_ptr<BoundAddress>> addresses;
  std::vector<std::unique_ptr<DatagramShare>> datagrams;  ///< instead, with `protocol: udp`
};

struct Tenant {
  ipc::TenantSettings settings;  ///< complete: the number of workers and the name service are filled in
  const Application* application;
  std::optional<Ids> ids;
  std::unique_ptr<Cgroup> cgroup;  ///< null when no limit asks for one
  Fd settings_file;                ///< sealed memfd with the JSON, for every worker
  std::vector<Endpoint> endpoints;
  std::vector<Fd> keys;  ///< files of its private keys, unread: for the keyholder

  /// Takes part in accepting: all its sockets listen. Errors: kSystem with the address.
  [[nodiscard]] Result<> listen() const;
  /// Our descriptors of the listening sockets; the workers' own go on for as long as they want.
  void close_listeners();
  [[nodiscard]] bool takes_datagrams() const;
  /// Connections and flows that one worker can have.
  [[nodiscard]] std::uint32_t table_entries() const;
  /// No datagram is sent to this worker of it any more.
  void steer_away(std::uint32_t worker) const;
  [[nodiscard]] bool is_admin() const { return settings.name == kAdminTenant; }
  [[nodiscard]] bool is_keyholder() const { return settings.name == kKeyholderTenant; }
  [[nodiscard]] bool built_in() const { return is_admin() || is_keyholder(); }
};

/// As many as it will have, 0 in the settings being one for each CPU.
[[nodiscard]] std::uint32_t workers_of(const ipc::TenantSettings& settings);

/// What tenants of all generations share.
struct TenantMakings {
  ListeningSockets& sockets;
  DatagramSockets& datagrams;
  ipc::UdpSteering steering;
  PrivateIds& private_ids;
  Cgroups& cgroups;
};
/// Binds the tenant's addresses, or takes them over from another generation, and makes what its workers share. Errors:
/// a sentence with the address or the tenant.
[[nodiscard]] Result<std::unique_ptr<Tenant>> make_tenant(const ipc::TenantSettings& settings,
                                                          const Application& application, std::uint64_t generation,
                                                          const TenantMakings& makings);

/// The file for other settings of a tenant that runs, complete like its first. Errors: kSystem.
[[nodiscard]] Result<Fd> other_settings_file(const Tenant& tenant, const ipc::TenantSettings& settings);
/// For another program that goes on with it, without its workers; and back.
[[nodiscard]] restart::SavedTenant save_tenant(const Tenant& tenant);
[[nodiscard]] std::unique_ptr<Tenant> go_on_with_tenant(const Takeover& from, const restart::SavedTenant& saved,
                                                        const Application& application, std::uint64_t generation,
                                                        const TenantMakings& makings);

/// Opens the files of a tenant's private keys. Errors: a sentence with the file.
[[nodiscard]] Result<std::vector<Fd>> open_keys(const ipc::TenantSettings& settings);

/// The settings of the built-in tenants.
[[nodiscard]] ipc::TenantSettings admin_tenant(const ipc::AdminSettings& admin);
[[nodiscard]] ipc::TenantSettings keyholder_tenant();

}  // namespace sluice::supervisor
