// Exposition: the metrics of many slabs as one page in Prometheus' text format.
//
// Each slab's families are added with the tenant and worker they came from, which become labels. A family has one kind
// and one help: the first slab that has it decides, and series that contradict it are left out, so add the supervisor's
// own slab first. Slabs hold integers: a counter named …_nanoseconds_… is shown as …_seconds_….
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ipc/metrics_reader.h"

namespace sluice::admin {

/// Whose slab it is. The supervisor's own has an empty tenant.
struct Origin {
  std::string tenant;
  std::uint32_t worker = 0;
  friend auto operator<=>(const Origin&, const Origin&) = default;
};

class Exposition {
 public:
  enum class By : std::uint8_t {
    kWorker,  ///< a series for each worker
    kTenant,  ///< summed over the workers of a tenant
  };

  explicit Exposition(By by) : by_(by) {}
  void add(const Origin& from, const ipc::MetricsSnapshot& snapshot);
  /// The page. Families by name, series by labels.
  [[nodiscard]] std::string text() const;

 private:
  using LabelSet = std::map<std::string, std::string>;
  struct Family {
    std::string help;
    ipc::MetricKind kind;
    double unit;  // what one is worth in what is shown
    std::map<LabelSet, ipc::MetricSeries> series;
  };

  [[nodiscard]] LabelSet labels_of(const Origin& from, const ipc::MetricSeries& series) const;
  void add_series(Family& family, LabelSet labels, const ipc::MetricSeries& series);
  void add_rejected(const Origin& from, std::size_t rejected);

  By by_;
  std::map<std::string, Family> families_;
};

}  // namespace sluice::admin
