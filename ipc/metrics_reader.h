// Reading a slab's metrics: families in the order of registration, bounded, checked, fit to be shown.
//
// What the worker wrote is hostile. A series that is not sound (is_sound()), repeats another or contradicts its family
// is left out and counted. Names cannot clash with another worker's, because the caller adds "tenant" and "worker",
// labels that a worker's own record may not have.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ipc/metric_record.h"
#include "ipc/slab.h"

namespace sluice::ipc {

struct MetricSeries {
  std::vector<MetricLabel> labels;
  std::uint64_t count = 0;             ///< counters: the value; histograms: all observations
  std::int64_t level = 0;              ///< gauges
  std::vector<double> bounds;          ///< histograms: upper bounds, without +Inf
  std::vector<std::uint64_t> buckets;  ///< histograms: not cumulative, one more than bounds
  double sum = 0;                      ///< histograms; always finite
};

struct MetricFamily {
  std::string name;
  std::string help;
  MetricKind kind = MetricKind::kGone;
  std::vector<MetricSeries> series;
};

struct MetricsSnapshot {
  std::vector<MetricFamily> families;
  std::size_t rejected = 0;  ///< series left out: more than 0 only when the worker is broken or hostile
};

[[nodiscard]] MetricsSnapshot read_metrics(const SlabView& slab);

}  // namespace sluice::ipc
