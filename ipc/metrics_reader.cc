// See metrics_reader.h.
#include "ipc/metrics_reader.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

namespace sluice::ipc {
namespace {

std::string key_of(const MetricRecord& record) {
  std::string key = record.name;
  for (const MetricLabel& label : record.labels)
    key.append(1, '\0').append(label.name).append(1, '\0').append(label.value);
  return key;
}

MetricSeries read_values(MetricRecord& record, std::span<const Cell> all) {
  const auto cells = all.subspan(record.first_value, record.values());
  MetricSeries series{.labels = std::move(record.labels)};
  switch (record.kind) {
    case MetricKind::kGone:
      break;
    case MetricKind::kCounter:
      series.count = cells[0].load(std::memory_order_relaxed);
      break;
    case MetricKind::kGauge:
      series.level = static_cast<std::int64_t>(cells[0].load(std::memory_order_relaxed));
      break;
    case MetricKind::kHistogram: {
      for (const Cell& cell : cells.first(cells.size() - 1)) {
        series.buckets.push_back(cell.load(std::memory_order_relaxed));
        series.count += series.buckets.back();
      }
      const auto sum = std::bit_cast<double>(cells.back().load(std::memory_order_relaxed));
      series.sum = std::isfinite(sum) ? sum : 0;
      series.bounds = std::move(record.bounds);
      break;
    }
  }
  return series;
}

}  // namespace

MetricsSnapshot read_metrics(const SlabView& slab) {
  MetricsSnapshot snapshot;
  std::unordered_map<std::string, std::size_t> family_of;
  std::unordered_set<std::string> seen;
  const std::span<const std::byte> records = slab.records();
  std::size_t left = std::min<std::size_t>(slab.header().records_used.load(std::memory_order_acquire), records.size());
  std::size_t offset = 0;
  while (left > 0) {
    std::optional<DecodedRecord> decoded = decode_record(records.subspan(offset, left));
    if (!decoded) {
      ++snapshot.rejected;
      break;
    }
    offset += decoded->size;
    left -= decoded->size;
    MetricRecord& record = decoded->record;
    if (record.kind == MetricKind::kGone) continue;
    if (!is_sound(record)) {
      ++snapshot.rejected;
      continue;
    }
    std::ranges::sort(record.labels, {}, &MetricLabel::name);
    const auto [place, is_new] = family_of.try_emplace(record.name, snapshot.families.size());
    if (is_new) snapshot.families.push_back({.name = record.name, .help = record.help, .kind = record.kind});
    MetricFamily& family = snapshot.families[place->second];
    if (family.kind != record.kind || !seen.insert(key_of(record)).second) {
      ++snapshot.rejected;
      continue;
    }
    family.series.push_back(read_values(record, slab.values()));
  }
  return snapshot;
}

}  // namespace sluice::ipc
