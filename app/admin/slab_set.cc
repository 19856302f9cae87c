// See slab_set.h.
#include "app/admin/slab_set.h"

#include <algorithm>
#include <utility>

#include "ipc/metrics_reader.h"
#include "ipc/supervisor_metrics.h"

namespace sluice::admin {
namespace {

std::string_view tenant_of(const ipc::MetricSeries& series) {
  const auto label = std::ranges::find(series.labels, ipc::kOfTenant, &ipc::MetricLabel::name);
  return label != series.labels.end() ? std::string_view(label->value) : std::string_view();
}

std::uint64_t level(const ipc::MetricSeries& series) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(series.level, 0));
}

TenantHealth& tenant_in(Health& health, std::string_view name) {
  const auto known = std::ranges::find(health.tenants, name, &TenantHealth::tenant);
  if (known != health.tenants.end()) return *known;
  return health.tenants.emplace_back(TenantHealth{.tenant = std::string(name)});
}

}  // namespace

Result<> SlabSet::add(const ipc::Slabs& message, std::vector<Fd> fds) {
  if (fds.size() != message.items.size()) return fail(Code::kProtocol, "slabs without their descriptors");
  for (std::size_t i = 0; i < fds.size(); ++i) {
    Result<ipc::SlabReader> reader = ipc::SlabReader::open(fds[i].get());
    if (!reader) return fail(std::move(reader).error());
    Origin origin{.tenant = message.items[i].tenant, .worker = message.items[i].worker_index};
    slabs_.insert_or_assign(std::pair(std::move(origin), message.items[i].number),
                            Known{.memory = std::move(fds[i]), .reader = *std::move(reader)});
  }
  return {};
}

std::string SlabSet::metrics(Exposition::By by) const {
  Exposition page(by);
  for (const auto& [key, known] : slabs_) {
    const Result<ipc::SlabView> view = known.reader.view();
    // a damaged header hides everything; one rejected series says that something is wrong
    page.add(key.first, view ? ipc::read_metrics(*view) : ipc::MetricsSnapshot{.families = {}, .rejected = 1});
  }
  return page.text();
}

Health SlabSet::health() const {
  const auto own = slabs_.find(std::pair(Origin{}, std::uint32_t{0}));
  if (own == slabs_.end()) return {};
  const Result<ipc::SlabView> view = own->second.reader.view();
  return view ? health_of(ipc::read_metrics(*view)) : Health{};
}

Health health_of(const ipc::MetricsSnapshot& snapshot) {
  Health health;
  for (const ipc::MetricFamily& family : snapshot.families) {
    for (const ipc::MetricSeries& series : family.series) {
      if (family.name == ipc::kDrainingMetric) {
        health.known = true;
        health.draining = series.level != 0;
      } else if (family.name == ipc::kWorkersMetric) {
        tenant_in(health, tenant_of(series)).workers = level(series);
      } else if (family.name == ipc::kWorkersReadyMetric) {
        tenant_in(health, tenant_of(series)).ready = level(series);
      }
    }
  }
  // a tenant that an upgrade has removed: its series stay, with nothing wanted
  std::erase_if(health.tenants, [](const TenantHealth& tenant) { return tenant.workers == 0 && tenant.ready == 0; });
  return health;
}

}  // namespace sluice::admin
