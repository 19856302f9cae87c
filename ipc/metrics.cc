// See metrics.h: the writer's side.
#include "ipc/metrics.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "ipc/text.h"

namespace sluice::ipc {
namespace {

// A name with its labels in any order is one series.
std::string key_of(MetricRecord& record) {
  std::ranges::sort(record.labels, {}, &MetricLabel::name);
  std::string key = record.name;
  for (const MetricLabel& label : record.labels) {
    key += '\0';
    key += label.name;
    key += '\0';
    key += label.value;
  }
  return key;
}

MetricRecord describe(MetricKind kind, std::string_view name, std::string_view help, const Labels& labels) {
  MetricRecord record{.kind = kind, .name = std::string(name)};
  record.help = cut_at_character(help, kMaxMetricHelp);
  for (const Label& label : labels) {
    record.labels.push_back({.name = std::string(label.name),
                             .value = std::string(cut_at_character(printable(label.value), kMaxLabelBytes))});
  }
  return record;
}

constexpr std::size_t kKindAt = 4;  // byte of word 0 (ipc/metric_record.h)

}  // namespace

MetricsWriter::MetricsWriter(Slab& slab) : slab_(slab) {
  adopt_existing();
}

// The last incarnation may have been taken over: what it left is read as carefully as any reader would. From the first
// malformed record on, everything is written anew; values without a record are zeroed when they are handed out.
void MetricsWriter::adopt_existing() {
  SlabHeader& header = slab_.header();
  const std::span<const std::byte> records = slab_.records();
  const std::size_t used = std::min<std::size_t>(header.records_used.load(std::memory_order_relaxed), records.size());
  std::size_t offset = 0;
  std::size_t values = 0;
  while (offset < used) {
    std::optional<DecodedRecord> decoded = decode_record(records.subspan(offset, used - offset));
    if (!decoded) break;
    MetricRecord& record = decoded->record;
    if (is_sound(record)) {
      values = std::max(values, record.first_value + record.values());
      if (record.kind == MetricKind::kGauge) slab_.values()[record.first_value].store(0, std::memory_order_relaxed);
      known_.insert_or_assign(
          key_of(record),
          Known{.offset = offset, .kind = record.kind, .bounds = record.bounds, .first_value = record.first_value});
    }
    offset += decoded->size;
  }
  header.records_used.store(offset, std::memory_order_release);
  header.values_used.store(values, std::memory_order_relaxed);
}

Cell* MetricsWriter::find_or_add(MetricRecord record) {
  std::string key = key_of(record);
  SLUICE_CHECK(is_sound(record), "a metric with an illegal name, label or bound");
  const auto found = known_.find(key);
  if (found != known_.end()) {
    const Known& known = found->second;
    if (known.kind == record.kind && known.bounds == record.bounds) return &slab_.values()[known.first_value];
    // an older version of the program registered it otherwise: that record must not be shown beside the new one
    slab_.records()[known.offset + kKindAt] = static_cast<std::byte>(MetricKind::kGone);
    known_.erase(found);
  }
  return append(std::move(key), std::move(record));
}

Cell* MetricsWriter::append(std::string key, MetricRecord record) {
  SlabHeader& header = slab_.header();
  const std::span<std::byte> records = slab_.records();
  const std::size_t offset = header.records_used.load(std::memory_order_relaxed);
  record.first_value = header.values_used.load(std::memory_order_relaxed);
  const std::string bytes = encode_record(record);
  const std::size_t values_end = record.first_value + record.values();
  if (values_end > kMetricValues || offset + bytes.size() > records.size()) {
    ++dropped_;
    return nullptr;
  }
  for (Cell& cell : slab_.values().subspan(record.first_value, record.values()))
    cell.store(0, std::memory_order_relaxed);
  std::memcpy(records.data() + offset, bytes.data(), bytes.size());
  header.values_used.store(values_end, std::memory_order_relaxed);
  // published last: a crash before this line leaves nothing behind
  header.records_used.store(offset + bytes.size(), std::memory_order_release);
  Cell* const first = &slab_.values()[record.first_value];
  known_.emplace(std::move(key), Known{.offset = offset,
                                       .kind = record.kind,
                                       .bounds = std::move(record.bounds),
                                       .first_value = record.first_value});
  return first;
}

Counter MetricsWriter::counter(std::string_view name, std::string_view help, const Labels& labels) {
  Counter counter;
  if (Cell* const cell = find_or_add(describe(MetricKind::kCounter, name, help, labels)); cell != nullptr)
    counter.cell_ = cell;
  return counter;
}

Gauge MetricsWriter::gauge(std::string_view name, std::string_view help, const Labels& labels) {
  Gauge gauge;
  if (Cell* const cell = find_or_add(describe(MetricKind::kGauge, name, help, labels)); cell != nullptr)
    gauge.cell_ = cell;
  return gauge;
}

Histogram MetricsWriter::histogram(std::string_view name, std::string_view help, const Labels& labels,
                                   std::span<const double> bounds) {
  MetricRecord record = describe(MetricKind::kHistogram, name, help, labels);
  record.bounds.assign(bounds.begin(), bounds.end());
  Histogram histogram;
  if (Cell* const cell = find_or_add(std::move(record)); cell != nullptr) {
    histogram.cells_ = cell;
    histogram.bounds_ = bounds_.emplace_back(bounds.begin(), bounds.end());
  }
  return histogram;
}

}  // namespace sluice::ipc
