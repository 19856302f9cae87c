// connect_origin(): from a host and port to a connection: name, egress hook and policy on each address, happy eyeballs,
// TLS.
#pragma once
#include <memory>

#include "base/result.h"
#include "base/task.h"
#include "worker/offramp/origin_server.h"
#include "worker/services.h"

namespace sluice::worker {

/// Who chose the destination, and so whether the tenant's egress policy is asked.
enum class ChosenBy : std::uint8_t { kConfiguration, kClient };

/// The connection begins with `introduction`, which may be empty. Errors: kDnsFailure, kDnsTimeout,
/// kDestinationForbidden, kRefused, kTimeout and others of connecting and of TLS; kInternal from a hook. Nothing of a
/// request has been sent, whatever the error.
Task<Result<std::unique_ptr<OriginConnection>>> connect_origin(const Services& services, detail::ExchangeCore& exchange,
                                                               const OriginServer& server, ChosenBy chosen_by,
                                                               std::string introduction);

}  // namespace sluice::worker
