// See generation.h.
#include "supervisor/generation.h"

#include <algorithm>

#include "restart/fault_point.h"
#include "supervisor/room.h"

namespace sluice::supervisor {

Result<std::unique_ptr<Generation>> Generation::make(const Workforce::Common& common, const TenantMakings& makings,
                                                     std::uint64_t number, Configuration configuration) {
  std::unique_ptr<Generation> generation(new Generation(number, std::move(configuration)));
  generation->steering_ = &makings.datagrams.steering();
  if (Result<> made = generation->make_tenants(makings); !made) return fail(std::move(made).error());
  generation->make_workforce(common);
  return generation;
}

void Generation::make_workforce(const Workforce::Common& common) {
  const ipc::RestartSettings& policy = configuration_.settings.restart_policy;
  workforce_ = std::make_unique<Workforce>(common, tenants_,
                                           Workforce::Options{.backoff = {.first = policy.backoff_min,
                                                                          .most = policy.backoff_max,
                                                                          .crashes = policy.crash_loop_count,
                                                                          .window = policy.crash_loop_window},
                                                              .ready_timeout = policy.ready_timeout,
                                                              .generation = number_});
}

Generation::~Generation() {
  workforce_.reset();
}

namespace {
// A program of ours that is run as a worker.
Result<> open_own(const std::string& name, std::optional<Application>& into) {
  const std::string path = beside_us(name);
  Result<Fd> binary = open_binary(path);
  if (!binary) return fail(std::move(binary).error());
  std::string identity = identity_of(*binary);
  into = Application{.path = path, .binary = *std::move(binary), .about = {}, .identity = std::move(identity)};
  return {};
}

bool changed(const Application& program) {
  const Result<Fd> there = open_binary(program.path);
  return there && identity_of(*there) != program.identity;
}
}  // namespace

Result<> Generation::make_tenants(const TenantMakings& makings) {
  const ipc::Settings& settings = configuration_.settings;
  const auto add = [&](const ipc::TenantSettings& its, const Application& application) -> Result<> {
    Result<std::unique_ptr<Tenant>> tenant = make_tenant(its, application, number_, makings);
    if (!tenant) return fail(std::move(tenant).error());
    tenants_.push_back(*std::move(tenant));
    return {};
  };
  for (const ipc::TenantSettings& tenant : settings.tenants)
    if (Result<> added = add(tenant, configuration_.application); !added) return added;
  const bool keys = std::ranges::any_of(tenants_, [](const auto& tenant) { return !tenant->keys.empty(); });
  if (keys) {
    if (Result<> opened = open_own("sluice-keyholder", keyholder_); !opened)
      return fail(std::move(opened).error().during("the keyholder (endpoints' tls)"));
    if (Result<> added = add(keyholder_tenant(), *keyholder_); !added) return added;
  }
  if (!settings.admin.enabled) return {};
  if (Result<> opened = open_own("sluice-admin", admin_); !opened)
    return fail(std::move(opened).error().during("the admin process (admin.enabled)"));
  return add(admin_tenant(settings.admin), *admin_);
}

std::vector<BoundAddress*> Generation::addresses() const {
  std::vector<BoundAddress*> all;
  for (const std::unique_ptr<Tenant>& tenant : tenants_)
    for (const Endpoint& endpoint : tenant->endpoints)
      for (const std::shared_ptr<BoundAddress>& address : endpoint.addresses) all.push_back(address.get());
  return all;
}

std::vector<const DatagramShare*> Generation::shares() const {
  std::vector<const DatagramShare*> all;
  for (const std::unique_ptr<Tenant>& tenant : tenants_)
    for (const Endpoint& endpoint : tenant->endpoints)
      for (const std::unique_ptr<DatagramShare>& share : endpoint.datagrams) all.push_back(share.get());
  return all;
}

std::vector<BoundAddress*> Generation::only_here(const Generation& other) const {
  std::vector<BoundAddress*> theirs = other.addresses();
  std::ranges::sort(theirs);  // there may be thousands, and the switch waits
  std::vector<BoundAddress*> own = addresses();
  std::erase_if(own, [&](BoundAddress* address) { return std::ranges::binary_search(theirs, address); });
  return own;
}

Result<> Generation::accept() {
  for (const std::unique_ptr<Tenant>& tenant : tenants_)
    if (Result<> listening = tenant->listen(); !listening) return listening;
  restart::fault_point(restart::FaultPoint::kCommitListening, 0);
  accepted_ = true;
  steering_->make_current(number_);
  workforce_->accept();
  return {};
}

void Generation::pause(const Generation& other) {
  std::vector<std::uint32_t> keep;
  for (const BoundAddress* address : only_here(other)) {
    const std::vector<std::uint32_t> numbers = address->numbers();
    keep.insert(keep.end(), numbers.begin(), numbers.end());
  }
  const std::vector<const DatagramShare*> theirs = other.shares();
  for (const DatagramShare* share : shares()) {
    const auto same = [share](const DatagramShare* other) { return other->address() == share->address(); };
    if (std::ranges::any_of(theirs, same)) continue;
    const std::vector<std::uint32_t> numbers = share->numbers();
    keep.insert(keep.end(), numbers.begin(), numbers.end());
  }
  workforce_->pause(keep, *other.workforce_);
}

bool Generation::refuse_new(const Generation& other) {
  const std::vector<BoundAddress*> own = only_here(other);
  for (BoundAddress* address : own) address->refuse_new();
  return !own.empty();
}

void Generation::close_addresses(const Generation& other) {
  for (BoundAddress* address : only_here(other)) address->close();
}

std::vector<std::string> Generation::changed_programs() const {
  std::vector<std::string> paths;
  for (const std::optional<Application>* const program : {&admin_, &keyholder_})
    if (*program && changed(**program)) paths.push_back((*program)->path);
  return paths;
}

std::uint64_t Generation::memory() const {
  std::uint64_t sum = 0;
  for (const std::unique_ptr<Worker>& worker : workforce_->workers())
    if (worker->pid() != 0) sum += memory_of(worker->pid());
  return sum;
}

void Generation::drain(const restart::DrainOrder& order) {
  draining_ = true;
  workforce_->drain(order, Workforce::Who::kAll);
}

}  // namespace sluice::supervisor
