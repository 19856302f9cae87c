// See own_metrics.h. Tenants are registered before slots, so that with more workers than a slab has place for /ready
// still knows all of them.
#include "supervisor/own_metrics.h"

#include "ipc/supervisor_metrics.h"

namespace sluice::supervisor {

Result<std::unique_ptr<OwnMetrics>> OwnMetrics::make() {
  Result<Fd> fd = ipc::make_slab("supervisor", 1);
  if (!fd) return fail(std::move(fd).error());
  return go_on_in(*std::move(fd));
}

Result<std::unique_ptr<OwnMetrics>> OwnMetrics::go_on_in(Fd fd) {
  Result<ipc::Slab> slab = ipc::Slab::attach(fd.get());
  if (!slab) return fail(std::move(slab).error());
  return std::unique_ptr<OwnMetrics>(new OwnMetrics(std::move(fd), *std::move(slab)));
}

OwnMetrics::OwnMetrics(Fd fd, ipc::Slab slab)
    : fd_(std::move(fd)),
      slab_(std::move(slab)),
      writer_(slab_),
      draining_(writer_.gauge(ipc::kDrainingMetric, "1 while Sluice is leaving.", {})),
      generation_(writer_.gauge(ipc::kGenerationMetric, "Number of the generation of workers that serves.", {})),
      generations_(writer_.gauge(ipc::kGenerationsMetric, "Generations of workers that live.", {})) {}

void OwnMetrics::generations(std::uint64_t serving, std::size_t live) {
  generation_.set(static_cast<std::int64_t>(serving));
  generations_.set(static_cast<std::int64_t>(live));
}

void OwnMetrics::upgrade(std::string_view outcome) {
  writer_.counter(ipc::kUpgradesMetric, "Upgrades by their outcome.", {{"outcome", outcome}}).add();
}

void OwnMetrics::switched(std::string_view work, std::string_view fate, std::uint64_t count) {
  writer_
      .counter(ipc::kSwitchedMetric, "What was open at a switch of generations, by what became of it.",
               {{"work", work}, {"fate", fate}})
      .add(count);
}

OwnMetrics::Tenant& OwnMetrics::tenant(std::string_view name) {
  if (const auto known = tenants_.find(name); known != tenants_.end()) return known->second;
  const ipc::Labels labels = {{ipc::kOfTenant, name}};
  return tenants_
      .try_emplace(
          std::string(name),
          Tenant{.workers = writer_.gauge(ipc::kWorkersMetric, "Workers that the configuration wants.", labels),
                 .ready = writer_.gauge(ipc::kWorkersReadyMetric, "Workers that are ready.", labels)})
      .first->second;
}

OwnMetrics::Slot& OwnMetrics::slot(std::string_view tenant, std::uint32_t worker) {
  std::pair key(std::string(tenant), worker);
  if (const auto known = slots_.find(key); known != slots_.end()) return known->second;
  const std::string index = std::to_string(worker);
  const ipc::Labels labels = {{ipc::kOfTenant, tenant}, {ipc::kOfWorker, index}};
  const Slot slot{
      .ready = writer_.gauge(ipc::kWorkerReadyMetric, "1 while the worker is ready.", labels),
      .crashes = writer_.counter(ipc::kWorkerCrashesMetric, "Ends of the worker that nobody asked for.", labels),
      .lost = writer_.counter(ipc::kWorkerLostMetric, "Client connections that died with the worker.", labels)};
  return slots_.try_emplace(std::move(key), slot).first->second;
}

void OwnMetrics::update(std::span<const SlotFacts> slots) {
  struct Sum {
    std::int64_t workers = 0;
    std::int64_t ready = 0;
  };
  std::map<std::string_view, Sum> sums;
  for (const auto& [name, cells] : tenants_) sums[name];  // gone with an upgrade: nothing is wanted any more
  for (const SlotFacts& facts : slots) {
    if (facts.wanted) ++sums[facts.tenant].workers;
    if (facts.ready) ++sums[facts.tenant].ready;
  }
  for (const auto& [name, sum] : sums) {
    if (sum.workers == 0 && !tenants_.contains(name)) continue;
    tenant(name).workers.set(sum.workers);
    tenant(name).ready.set(sum.ready);
  }
  for (const SlotFacts& facts : slots) {
    Slot& cells = slot(facts.tenant, facts.worker);
    cells.ready.set(facts.ready ? 1 : 0);
    cells.crashes.add(facts.crashes - cells.crashes.value());
    cells.lost.add(facts.lost_connections - cells.lost.value());
  }
}

}  // namespace sluice::supervisor
