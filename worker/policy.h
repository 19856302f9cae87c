// From a tenant's settings to the policy that a worker follows (services.h): at its start, and again whenever other
// settings are to be put in force. Making one touches nothing that is in use.
#pragma once
#include <memory>

#include "base/result.h"
#include "worker/services.h"
#include "worker/telemetry/record.h"
#include "worker/tls/trust.h"

namespace sluice::worker {

struct PolicyMakings {
  const OriginPool& pool;  ///< groups of a name that it knows are taken over
  TrafficNames& names;     ///< new names are added
  const TlsTrust* trust;   ///< certificates of the system; null: they have not been read
};
/// Makes one in steps that each take less than a request may be kept waiting.
class PolicyMaker {
 public:
  /// The settings have been checked when the configuration was read.
  PolicyMaker(std::shared_ptr<const ipc::TenantSettings> settings, const PolicyMakings& makings);
  PolicyMaker(PolicyMaker&&) = delete;

  [[nodiscard]] bool done() const;
  /// Errors: kOverload when the worker has seen more names than it has room for, never for its first settings;
  /// kBadConfig when what TLS needs cannot be read, kUnsupported when it needs the system's certificates and they have
  /// not been read.
  [[nodiscard]] Result<> next();
  /// When it is done.
  [[nodiscard]] std::shared_ptr<const Policy> take() { return std::move(policy_); }

 private:
  PolicyMakings makings_;
  std::shared_ptr<Policy> policy_;
  bool grouped_ = false;
};
/// All steps. Errors: as of each.
[[nodiscard]] Result<std::shared_ptr<const Policy>> make_policy(std::shared_ptr<const ipc::TenantSettings> settings,
                                                                const PolicyMakings& makings);

/// Do any of the settings need the certificates of the system?
[[nodiscard]] bool needs_system_trust(const ipc::TenantSettings& settings);

/// Can everything that TLS needs be read? Errors: kBadConfig.
[[nodiscard]] Result<> check_tls(const ipc::TenantSettings& settings, const TlsTrust* trust);

/// May a worker that began with `before` go over to `after`? Errors: kUnsupported with what needs a new process.
[[nodiscard]] Result<> may_adopt(const ipc::TenantSettings& before, const ipc::TenantSettings& after);

}  // namespace sluice::worker
