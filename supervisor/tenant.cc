// See tenant.h.
#include "supervisor/tenant.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <chrono>

#include "ipc/memfd.h"
#include "ipc/settings/parts.h"
#include "ipc/slab.h"
#include "supervisor/accounts.h"
#include "supervisor/name_service.h"
#include "supervisor/pseudonym.h"
#include "supervisor/setting_file.h"
#include "supervisor/takeover.h"

namespace sluice::supervisor {
namespace {

std::uint32_t usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&set)));
}

// What makes an address the same in two generations: its text, whoever has it; where the port is chosen by the kernel,
// its place.
std::string key_of(const std::string& configured, const std::string& tenant, const std::string& endpoint,
                   std::size_t place) {
  if (!configured.ends_with(":0")) return configured;
  return fmt::format("{} {}/{}[{}]", configured, tenant, endpoint, place);
}

Result<Endpoint> bind_datagrams(const ipc::EndpointSettings& settings, const ipc::TenantSettings& tenant,
                                std::uint64_t generation, const TenantMakings& makings) {
  Endpoint endpoint{.name = settings.name, .mode = settings.mode, .backlog = 0, .addresses = {}, .datagrams = {}};
  const auto idle = std::chrono::ceil<std::chrono::seconds>(settings.udp.idle_timeout);
  for (const std::string& configured : settings.listen) {
    Result<std::unique_ptr<DatagramShare>> share =
        makings.datagrams.acquire({.key = key_of(configured, tenant.name, settings.name, endpoint.datagrams.size()),
                                   .configured = configured,
                                   .workers = tenant.workers,
                                   .generation = generation,
                                   .idle_seconds = static_cast<std::uint32_t>(idle.count()),
                                   .steering = makings.steering});
    if (!share) return fail(std::move(share).error());
    endpoint.datagrams.push_back(*std::move(share));
  }
  return endpoint;
}

Result<Endpoint> bind_endpoint(const ipc::EndpointSettings& settings, const ipc::TenantSettings& tenant,
                               ListeningSockets& sockets) {
  Endpoint endpoint{.name = settings.name,
                    .mode = settings.mode,
                    .backlog = static_cast<int>(settings.backlog),
                    .addresses = {},
                    .datagrams = {}};
  for (const std::string& configured : settings.listen) {
    Result<std::shared_ptr<BoundAddress>> bound =
        sockets.acquire(key_of(configured, tenant.name, settings.name, endpoint.addresses.size()),
                        {.configured = configured, .workers = tenant.workers, .backlog = endpoint.backlog});
    if (!bound) return fail(std::move(bound).error());
    endpoint.addresses.push_back(*std::move(bound));
  }
  return endpoint;
}

Result<Endpoint> bind(const ipc::EndpointSettings& settings, const ipc::TenantSettings& tenant,
                      std::uint64_t generation, const TenantMakings& makings) {
  if (settings.protocol == ipc::Protocol::kUdp) return bind_datagrams(settings, tenant, generation, makings);
  return bind_endpoint(settings, tenant, makings.sockets);
}

}  // namespace

std::uint32_t workers_of(const ipc::TenantSettings& settings) {
  return settings.workers != 0 ? settings.workers : usable_cpus();
}

Result<std::unique_ptr<Tenant>> make_tenant(const ipc::TenantSettings& settings, const Application& application,
                                            std::uint64_t generation, const TenantMakings& makings) {
  auto tenant = std::make_unique<Tenant>();
  tenant->settings = settings;
  tenant->application = &application;
  tenant->settings.workers = workers_of(settings);
  const std::uint32_t workers = tenant->settings.workers;
  for (const ipc::EndpointSettings& endpoint : settings.endpoints) {
    Result<Endpoint> bound = bind(endpoint, tenant->settings, generation, makings);
    if (!bound) return fail(std::move(bound).error());
    tenant->endpoints.push_back(*std::move(bound));
  }
  Result<std::vector<Fd>> keys = open_keys(settings);
  if (!keys) return fail(std::move(keys).error().during("tenant " + settings.name));
  tenant->keys = *std::move(keys);
  fill_name_service(tenant->settings.resolver);
  fill_pseudonyms(tenant->settings);
  Result<std::optional<Ids>> ids = worker_ids(settings, makings.private_ids);
  if (!ids) return fail(std::move(ids).error().during("tenant " + settings.name));
  tenant->ids = *ids;
  // a group of its own for each generation: two of them may need twice the memory for a while
  const std::string group = generation == 1 ? settings.name : fmt::format("{}.{}", settings.name, generation);
  if (settings.limits.memory) tenant->cgroup = makings.cgroups.make(group, settings.limits.memory.bytes() * workers);
  Result<Fd> file = ipc::seal_bytes("settings", ipc::to_parts(tenant->settings));
  if (!file) return fail(std::move(file).error().during("tenant " + settings.name));
  tenant->settings_file = *std::move(file);
  return tenant;
}

Result<Fd> other_settings_file(const Tenant& tenant, const ipc::TenantSettings& settings) {
  ipc::TenantSettings complete = settings;
  complete.workers = tenant.settings.workers;
  complete.resolver = tenant.settings.resolver;
  fill_pseudonyms(complete);
  return ipc::seal_bytes("settings", ipc::to_parts(complete));
}

restart::SavedTenant save_tenant(const Tenant& tenant) {
  restart::SavedTenant saved;
  saved.name = tenant.settings.name;
  saved.settings_fd = tenant.settings_file.get();
  for (const Fd& key : tenant.keys) saved.keys.push_back(key.get());
  if (tenant.ids) {
    saved.uid = tenant.ids->uid;
    saved.gid = tenant.ids->gid;
  }
  saved.grouped = tenant.cgroup != nullptr;
  if (saved.grouped) {
    const Protection& report = tenant.cgroup->report();
    saved.group = tenant.cgroup->folder();
    saved.group_report = {.name = report.name, .on = report.on, .why = report.why};
  }
  return saved;
}

// Its addresses are known already, by the same keys.
std::unique_ptr<Tenant> go_on_with_tenant(const Takeover& from, const restart::SavedTenant& saved,
                                          const Application& application, std::uint64_t generation,
                                          const TenantMakings& makings) {
  constexpr std::size_t kMost = std::size_t{64} << 20;
  auto tenant = std::make_unique<Tenant>();
  {
    const ipc::SealedBytes bytes = from.must(ipc::SealedBytes::open(saved.settings_fd, kMost));
    tenant->settings = from.must(ipc::tenant_from_parts(bytes.view()));
  }
  tenant->settings_file = Fd(saved.settings_fd);
  for (const std::int32_t key : saved.keys) tenant->keys.emplace_back(key);
  tenant->application = &application;
  for (const ipc::EndpointSettings& endpoint : tenant->settings.endpoints)
    tenant->endpoints.push_back(from.must(bind(endpoint, tenant->settings, generation, makings)));
  if (saved.uid >= 0) tenant->ids = Ids{.uid = static_cast<uid_t>(saved.uid), .gid = static_cast<gid_t>(saved.gid)};
  if (saved.grouped)
    tenant->cgroup = std::make_unique<Cgroup>(
        saved.group,
        Protection{.name = saved.group_report.name, .on = saved.group_report.on, .why = saved.group_report.why});
  return tenant;
}

Result<> Tenant::listen() const {
  for (const Endpoint& endpoint : endpoints)
    for (const std::shared_ptr<BoundAddress>& address : endpoint.addresses)
      if (Result<> listening = address->listen(endpoint.backlog); !listening) return listening;
  return {};
}

void Tenant::close_listeners() {
  for (const Endpoint& endpoint : endpoints)
    for (const std::shared_ptr<BoundAddress>& address : endpoint.addresses) address->close();
}

bool Tenant::takes_datagrams() const {
  return std::ranges::any_of(endpoints, [](const Endpoint& endpoint) { return !endpoint.datagrams.empty(); });
}

std::uint32_t Tenant::table_entries() const {
  std::uint64_t entries = settings.limits.connections;
  for (const ipc::EndpointSettings& endpoint : settings.endpoints)
    if (endpoint.protocol == ipc::Protocol::kUdp) entries += endpoint.udp.flows;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(entries, ipc::kMaxSlabConnections));
}

void Tenant::steer_away(std::uint32_t worker) const {
  for (const Endpoint& endpoint : endpoints)
    for (const std::unique_ptr<DatagramShare>& share : endpoint.datagrams) share->steer_away(worker);
}

Result<std::vector<Fd>> open_keys(const ipc::TenantSettings& settings) {
  std::vector<Fd> keys;
  for (const ipc::EndpointSettings& endpoint : settings.endpoints) {
    if (!endpoint.tls.enabled) continue;
    for (const ipc::CertificateSettings& certificate : endpoint.tls.certificates) {
      Result<Fd> key = open_setting(certificate.key_file);
      if (!key) return fail(std::move(key).error().during(certificate.key_file));
      keys.push_back(*std::move(key));
    }
  }
  return keys;
}

ipc::TenantSettings keyholder_tenant() {
  ipc::TenantSettings tenant;
  tenant.name = kKeyholderTenant;
  tenant.workers = 1;
  tenant.limits.connections = 1;
  return tenant;
}

ipc::TenantSettings admin_tenant(const ipc::AdminSettings& admin) {
  ipc::EndpointSettings endpoint;
  endpoint.name = "admin";
  endpoint.listen = admin.listen;
  endpoint.backlog = 128;
  ipc::TenantSettings tenant;
  tenant.name = kAdminTenant;
  tenant.workers = 1;
  tenant.limits.connections = 64;
  tenant.access_log.sample = 0;  // probes and scrapes are noise; what fails is still logged
  tenant.endpoints = {std::move(endpoint)};
  return tenant;
}

}  // namespace sluice::supervisor
