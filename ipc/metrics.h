// Metrics of a worker, in its slab: counters, gauges and histograms as plain cells of shared memory.
//
// A name with its labels is registered once, mostly at start, and gives a handle; counting is a load, an add and a
// store to one cell, without a lock: the worker is the only writer. A new incarnation of the worker that registers the
// same name and labels goes on from the old value (gauges start at 0). Handles are values and never fail: when the slab
// is full, they count into a cell that nobody reads, and dropped() says so. Lifetime: the slab and the writer outlive
// the handles.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ipc/metric_record.h"
#include "ipc/slab.h"

namespace sluice::ipc {

namespace detail {
/// Where handles count that have no place in a slab.
inline Cell nowhere[kMaxBounds + 2];  // NOLINT(modernize-avoid-c-arrays): a plain array of cells, as the slab has

inline void add(Cell& cell, std::uint64_t n) {
  cell.store(cell.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}
}  // namespace detail

class Counter {
 public:
  void add(std::uint64_t n = 1) { detail::add(*cell_, n); }
  [[nodiscard]] std::uint64_t value() const { return cell_->load(std::memory_order_relaxed); }

 private:
  friend class MetricsWriter;
  Cell* cell_ = detail::nowhere;
};

class Gauge {
 public:
  void set(std::int64_t value) { cell_->store(static_cast<std::uint64_t>(value), std::memory_order_relaxed); }
  void add(std::int64_t n = 1) { detail::add(*cell_, static_cast<std::uint64_t>(n)); }
  [[nodiscard]] std::int64_t value() const { return static_cast<std::int64_t>(cell_->load(std::memory_order_relaxed)); }

 private:
  friend class MetricsWriter;
  Cell* cell_ = detail::nowhere;
};

class Histogram {
 public:
  /// In the unit of the bounds; seconds by Prometheus' custom.
  void observe(double value) {
    std::size_t bucket = 0;
    while (bucket < bounds_.size() && value > bounds_[bucket]) ++bucket;
    detail::add(cells_[bucket], 1);
    Cell& sum = cells_[bounds_.size() + 1];
    const double total = std::bit_cast<double>(sum.load(std::memory_order_relaxed)) + value;
    sum.store(std::bit_cast<std::uint64_t>(total), std::memory_order_relaxed);
  }

 private:
  friend class MetricsWriter;
  Cell* cells_ = detail::nowhere;  // one per bound, one for what is above all, the sum
  std::span<const double> bounds_;
};

/// A label as it is registered. Borrowed for the call; values are cut to 255 bytes and made printable.
struct Label {
  std::string_view name;
  std::string_view value;
};
using Labels = std::vector<Label>;

class MetricsWriter {
 public:
  /// Finds what earlier incarnations have registered. Lifetime: `slab` must outlive the writer.
  explicit MetricsWriter(Slab& slab);
  MetricsWriter(MetricsWriter&&) = delete;

  /// `metrics.counter("sluice_requests_total", "Requests answered.", {{"endpoint", name}, {"code", "2xx"}})`.
  /// Registering the same again gives the same cell. Names are [a-zA-Z_][a-zA-Z0-9_]*, "tenant" and "worker" are
  /// labels the reader adds; a name that breaks this is a bug of the caller and ends the process.
  [[nodiscard]] Counter counter(std::string_view name, std::string_view help, const Labels& labels);
  [[nodiscard]] Gauge gauge(std::string_view name, std::string_view help, const Labels& labels);
  /// `bounds`: upper bounds of the buckets, ascending, at most kMaxBounds, without +Inf.
  [[nodiscard]] Histogram histogram(std::string_view name, std::string_view help, const Labels& labels,
                                    std::span<const double> bounds);
  /// Registrations that found no place.
  [[nodiscard]] std::size_t dropped() const { return dropped_; }

 private:
  struct Known {
    std::size_t offset;  // of the record
    MetricKind kind;
    std::vector<double> bounds;
    std::size_t first_value;
  };
  /// First cell of the series, nullptr when there is no place.
  [[nodiscard]] Cell* find_or_add(MetricRecord record);
  [[nodiscard]] Cell* append(std::string key, MetricRecord record);
  void adopt_existing();

  Slab& slab_;
  std::unordered_map<std::string, Known> known_;
  std::deque<std::vector<double>> bounds_;  // a deque: histograms keep spans into it
  std::size_t dropped_ = 0;
};

}  // namespace sluice::ipc
