// OriginCount: takes a connection to an origin out of the gauge of open ones when whoever uses it is done with it and
// has not handed it back to its pool, cancelled included. Declared behind the pointer that it watches.
#pragma once
#include <memory>

#include "worker/offramp/origin_connection.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {

class OriginCount {
 public:
  OriginCount(PathMetrics& metrics, UpstreamIndex upstream, const std::unique_ptr<OriginConnection>& connection)
      : metrics_(metrics), upstream_(upstream), connection_(connection) {}
  OriginCount(OriginCount&&) = delete;
  ~OriginCount() {
    if (connection_ != nullptr) metrics_.origin_closed(upstream_);
  }

 private:
  PathMetrics& metrics_;
  UpstreamIndex upstream_;
  const std::unique_ptr<OriginConnection>& connection_;
};

}  // namespace sluice::worker
