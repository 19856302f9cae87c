// Reconfigurer: puts other settings in force in a worker that serves, in two steps, so that all workers of a tenant
// change or none. Preparing reads the settings and builds all they need beside what is in use, in small steps, because
// requests wait meanwhile; whatever can fail fails here. adopt() is one swap in one turn of the loop: new requests
// follow the new policy, those under way go on with the one they began with. Owned by the worker.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>

#include "base/fd.h"
#include "ipc/memfd.h"
#include "ipc/settings/parts.h"
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

  /// The settings as the supervisor seals them; replaces what was prepared before. Errors: they cannot be read.
  [[nodiscard]] Result<> begin(std::uint64_t number, const Fd& settings);
  /// Everything is prepared.
  [[nodiscard]] bool ready() const { return prepared_.has_value(); }
  /// One more step, after begin() and until it is ready. Errors: why this worker cannot go over to them; nothing has
  /// changed, and it begins anew.
  [[nodiscard]] Result<> next();
  /// What was prepared under the number is in force. False when there is no such thing.
  [[nodiscard]] bool adopt(std::uint64_t number);

 private:
  struct Prepared {
    std::uint64_t number;
    std::shared_ptr<const Policy> policy;
    SourceLimits source;
  };
  struct UnderWay {
    std::uint64_t number;
    ipc::SealedBytes bytes;
    ipc::PartsReader reader;
    SourceLimits source;
    std::unique_ptr<PolicyMaker> maker;  // once all has been read

    UnderWay(std::uint64_t its, ipc::SealedBytes sealed)
        : number(its), bytes(std::move(sealed)), reader(bytes.view()) {}
    UnderWay(UnderWay&&) = delete;
  };
  [[nodiscard]] Result<> step(UnderWay& it);
  [[nodiscard]] Result<> all_read(UnderWay& it);

  Parts parts_;
  std::optional<UnderWay> under_way_;
  std::optional<Prepared> prepared_;
};

}  // namespace sluice::worker
