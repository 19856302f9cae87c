// connect_origin(): from a host and port to a connection: name, egress hook and policy on each address, happy eyeballs.
#pragma once
#include <memory>

#include "base/result.h"
#include "base/task.h"
#include "worker/offramp/origin_server.h"
#include "worker/services.h"

namespace sluice::worker {

/// Who chose the destination, and so whether the tenant's egress policy is asked.
enum class ChosenBy : std::uint8_t { kConfiguration, kClient };

/// Errors: kDnsFailure, kDnsTimeout, kDestinationForbidden, kRefused, kTimeout and others of connecting; kInternal from
/// a hook. Nothing has been sent, whatever the error.
Task<Result<std::unique_ptr<OriginConnection>>> connect_origin(const Services& services, detail::ExchangeCore& exchange,
                                                               const OriginServer& server, ChosenBy chosen_by);

}  // namespace sluice::worker
