// Reconfigurer: puts other settings in force in a worker that serves, in two steps, so that all workers of a tenant
// change or none. prepare() reads the settings and builds all they need beside what is in use: whatever can fail fails
// here. adopt() is one swap in one turn of the loop: new requests follow the new policy, those under way go on with the
// one they began with. Owned by the worker.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>

#include "base/fd.h"
#include "worker/limits/limits.h"
#include "worker/policy.h"

namespace sluice::worker {

class Reconfigurer {
 public:
  struct Parts {
    const ipc::TenantSettings& first;  ///< that the worker began with
    std::shared_ptr<const Policy>& policy;
    TrafficNames& names;
    OriginPool& pool;
    PathMetrics& metrics;
    AccessLog& access_log;
    Limits& limits;
    const TlsTrust* trust;  ///< as for make_policy()
  };
  explicit Reconfigurer(const Parts& parts) : parts_(parts) {}
  Reconfigurer(Reconfigurer&&) = delete;

  /// The settings as the supervisor seals them; replaces what was prepared before. Errors: why this worker cannot go
  /// over to them; nothing has changed then.
  [[nodiscard]] Result<> prepare(std::uint64_t number, const Fd& settings);
  /// What was prepared under the number is in force. False when there is no such thing.
  [[nodiscard]] bool adopt(std::uint64_t number);

 private:
  struct Prepared {
    std::uint64_t number;
    std::shared_ptr<const Policy> policy;
    SourceLimits source;
  };
  Parts parts_;
  std::optional<Prepared> prepared_;
};

}  // namespace sluice::worker
