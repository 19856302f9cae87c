// Which connections died with a worker (Worker::report_lost_connections, worker.h): read from the slab before the next
// process takes it over. One line each up to a bound, then a count: a worker may have had twenty thousand of them.
#include "base/log.h"
#include "ipc/connection_table.h"
#include "supervisor/worker.h"

namespace sluice::supervisor {

std::uint64_t Worker::report_lost_connections(const std::string& why) {
  constexpr std::uint64_t kNamed = 50;  // below what Log lets through of one event in a second
  const Result<ipc::SlabView> view =
      slab_ != nullptr ? slab_->reader->view() : Result<ipc::SlabView>(fail(Code::kUnavailable));
  if (!view) return 0;
  ipc::ConnectionReader connections(*view);
  const std::vector<Endpoint>& endpoints = tenant_.endpoints;
  std::uint64_t lost = 0;
  while (const std::optional<ipc::ConnectionRecord> found = connections.next()) {
    if (++lost > kNamed) continue;
    const bool known = found->endpoint_index < endpoints.size();
    context_.log.warn("connection lost",
                      {{"tenant", tenant_.settings.name},
                       {"worker", index_},
                       {"pid", pid()},
                       {"connection", found->id},
                       {"client", found->client},
                       {"endpoint", known ? endpoints[found->endpoint_index].name : std::string("?")},
                       {"state", ipc::name(found->state)},
                       {"requests", found->requests},
                       {"bytes_in", found->bytes_in},
                       {"bytes_out", found->bytes_out},
                       {"target", found->target},
                       {"why", why}});
  }
  return lost;
}

}  // namespace sluice::supervisor
