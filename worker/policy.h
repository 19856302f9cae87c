// From a tenant's settings to the policy that a worker follows (services.h): at its start, and again whenever other
// settings are to be put in force. Making one touches nothing that is in use.
#pragma once
#include <memory>

#include "base/result.h"
#include "worker/services.h"
#include "worker/telemetry/record.h"

namespace sluice::worker {

struct PolicyMakings {
  const OriginPool& pool;  ///< groups of a name that it knows are taken over
  TrafficNames& names;     ///< new names are added
};
/// The settings have been checked when the configuration was read. Errors: kOverload when the worker has seen more
/// names than it has room for; never for its first settings.
[[nodiscard]] Result<std::shared_ptr<const Policy>> make_policy(std::shared_ptr<const ipc::TenantSettings> settings,
                                                                const PolicyMakings& makings);

/// May a worker that began with `before` go over to `after`? Errors: kUnsupported with what needs a new process.
[[nodiscard]] Result<> may_adopt(const ipc::TenantSettings& before, const ipc::TenantSettings& after);

}  // namespace sluice::worker
