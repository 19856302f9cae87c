// SlabSet: the slabs that the supervisor shows to the admin process, and what can be learnt from them. Readers copy and
// check (ipc/metrics_reader.h): the workers that write them are not trusted. Owned by the admin's main.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "app/admin/exposition.h"
#include "app/admin/readiness.h"
#include "base/fd.h"
#include "ipc/messages.h"
#include "ipc/slab.h"

namespace sluice::admin {

class SlabSet {
 public:
  /// Takes in what a Slabs message brought; a slab for a known slot replaces the old one. Errors: kProtocol when a
  /// descriptor is missing or is not a slab.
  [[nodiscard]] Result<> add(const ipc::Slabs& message, std::vector<Fd> fds);

  /// The page for /metrics. The slab of a crashed worker is there too: what it counted is still true.
  [[nodiscard]] std::string metrics(Exposition::By by) const;
  /// What the supervisor's own slab says about the tenants.
  [[nodiscard]] Health health() const;

 private:
  // by origin and number: overlapping generations have several slabs for one slot, which all count. The supervisor's
  // own comes first: its tenant is empty
  struct Known {
    Fd memory;  // kept open: the next supervisor finds it here when this one has died (supervisor/estate.h)
    ipc::SlabReader reader;
  };
  std::map<std::pair<Origin, std::uint32_t>, Known> slabs_;
};

/// From the families of the supervisor's own slab.
[[nodiscard]] Health health_of(const ipc::MetricsSnapshot& snapshot);

}  // namespace sluice::admin
