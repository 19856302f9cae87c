// From the settings of a tenant, which are texts that have been checked, to what resolver, policy and dial work with.
#pragma once
#include "base/result.h"
#include "ipc/settings/off_ramp.h"
#include "worker/offramp/egress_policy.h"
#include "worker/offramp/resolver.h"

namespace sluice::worker {

/// The port of a DNS server that is written without one.
inline constexpr std::uint16_t kDnsPort = 53;

/// Errors: kBadConfig for a text that the supervisor's check would have refused.
[[nodiscard]] Result<ResolverOptions> resolver_options(const ipc::ResolverSettings& settings);
/// Errors: as above.
[[nodiscard]] Result<EgressRules> egress_rules(const ipc::EgressSettings& settings);

}  // namespace sluice::worker
