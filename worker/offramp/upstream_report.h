// UpstreamReport: writes how the upstreams are into the slab, where the supervisor reads it for `sluicectl upstreams`
// (ipc/server_table.h). Called now and then and when the health of a server changes, never per request.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/loop.h"
#include "ipc/server_table.h"
#include "worker/offramp/upstream.h"

namespace sluice::worker {

class UpstreamReport {
 public:
  UpstreamReport(Loop& loop, ipc::Slab& slab) : loop_(loop), table_(slab) {}
  UpstreamReport(UpstreamReport&&) = delete;

  /// All groups of the configuration.
  void write(const UpstreamGroups& groups);

 private:
  void write(const UpstreamGroup& group, const Member& member, std::size_t index);

  Loop& loop_;
  ipc::ServerTable table_;
  ipc::ServerRow row_;  // kept for its texts' storage
};

}  // namespace sluice::worker
