// See exposition.h.
#include "app/admin/exposition.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <sstream>
#include <utility>

#include "base/check.h"
#include "ipc/supervisor_metrics.h"

namespace sluice::admin {
namespace {

struct Shown {
  std::string name;
  double unit;
};

Shown shown(const ipc::MetricFamily& family) {
  constexpr std::string_view kNanos = "_nanoseconds_";
  constexpr double kNano = 1e-9;
  std::string name = family.name;
  const std::size_t at = name.find(kNanos);
  if (family.kind != ipc::MetricKind::kCounter || at == std::string::npos) return {.name = std::move(name), .unit = 1};
  name.replace(at, kNanos.size(), "_seconds_");
  return {.name = std::move(name), .unit = kNano};
}

prometheus::MetricType type_of(ipc::MetricKind kind) {
  switch (kind) {
    case ipc::MetricKind::kCounter:
      return prometheus::MetricType::Counter;
    case ipc::MetricKind::kGauge:
      return prometheus::MetricType::Gauge;
    case ipc::MetricKind::kHistogram:
      return prometheus::MetricType::Histogram;
    case ipc::MetricKind::kGone:
      break;
  }
  SLUICE_CHECK(false, "a family without a kind");
}

prometheus::ClientMetric::Histogram histogram_of(const ipc::MetricSeries& series) {
  prometheus::ClientMetric::Histogram histogram;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < series.bounds.size(); ++i) {
    below += series.buckets.at(i);
    histogram.bucket.push_back({.cumulative_count = below, .upper_bound = series.bounds[i]});
  }
  histogram.sample_count = series.count;
  histogram.sample_sum = series.sum;
  return histogram;
}

}  // namespace

Exposition::LabelSet Exposition::labels_of(const Origin& from, const ipc::MetricSeries& series) const {
  LabelSet labels;
  const bool own = from.tenant.empty();
  for (const ipc::MetricLabel& label : series.labels) {
    std::string name = label.name;
    if (own && name == ipc::kOfTenant) name = "tenant";
    if (own && name == ipc::kOfWorker) name = "worker";
    if (name != "worker" || by_ == By::kWorker) labels.emplace(std::move(name), label.value);
  }
  if (!own) {
    labels.emplace("tenant", from.tenant);
    if (by_ == By::kWorker) labels.emplace("worker", std::to_string(from.worker));
  }
  return labels;
}

void Exposition::add_series(Family& family, LabelSet labels, const ipc::MetricSeries& series) {
  const auto [place, is_new] = family.series.try_emplace(std::move(labels), series);
  if (is_new) return;
  ipc::MetricSeries& total = place->second;
  if (total.bounds != series.bounds) return;
  total.count += series.count;
  total.level += series.level;
  total.sum += series.sum;
  for (std::size_t i = 0; i < total.buckets.size(); ++i) total.buckets[i] += series.buckets.at(i);
}

void Exposition::add(const Origin& from, const ipc::MetricsSnapshot& snapshot) {
  for (const ipc::MetricFamily& family : snapshot.families) {
    Shown as = shown(family);
    const auto [place, is_new] = families_.try_emplace(
        std::move(as.name), Family{.help = family.help, .kind = family.kind, .unit = as.unit, .series = {}});
    if (place->second.kind != family.kind || place->second.unit != as.unit) continue;
    for (const ipc::MetricSeries& series : family.series) add_series(place->second, labels_of(from, series), series);
  }
  if (snapshot.rejected > 0) add_rejected(from, snapshot.rejected);
}

void Exposition::add_rejected(const Origin& from, std::size_t rejected) {
  ipc::MetricSeries series;
  series.level = static_cast<std::int64_t>(rejected);
  const auto place = families_
                         .try_emplace("sluice_metrics_rejected",
                                      Family{.help = "Series left out because the worker's memory is damaged.",
                                             .kind = ipc::MetricKind::kGauge,
                                             .unit = 1,
                                             .series = {}})
                         .first;
  if (place->second.kind == ipc::MetricKind::kGauge) add_series(place->second, labels_of(from, series), series);
}

std::string Exposition::text() const {
  std::vector<prometheus::MetricFamily> all;
  for (const auto& [name, family] : families_) {
    prometheus::MetricFamily& out = all.emplace_back();
    out.name = name;
    out.help = family.help;
    out.type = type_of(family.kind);
    for (const auto& [labels, series] : family.series) {
      prometheus::ClientMetric& metric = out.metric.emplace_back();
      for (const auto& [label, value] : labels) metric.label.push_back({.name = label, .value = value});
      metric.counter.value = static_cast<double>(series.count) * family.unit;
      metric.gauge.value = static_cast<double>(series.level);
      if (family.kind == ipc::MetricKind::kHistogram) metric.histogram = histogram_of(series);
    }
  }
  std::ostringstream page;
  prometheus::TextSerializer().Serialize(page, all);
  return std::move(page).str();
}

}  // namespace sluice::admin
