// From what a worker knows of a connection to what is said of it (restart/handover.h), and back.
#pragma once
#include "base/time.h"
#include "proto/http/fields.h"
#include "restart/handover.h"
#include "worker/flow/client_connection.h"
#include "worker/services.h"
#include "worker/telemetry/record.h"

namespace sluice::worker {

/// Everything but what was read and the tunnel.
[[nodiscard]] restart::MovedConnection state_of(const ClientConnection& connection, Nanos now);
/// What the access log will want to know of a tunnel. `started`: the first byte of its request; `client`: who a trusted
/// proxy says the client is, if one does. Of the heads only what the log shows goes along.
[[nodiscard]] restart::MovedTunnel state_of(const AccessRecord& record, const Services& services,
                                            const UpstreamGroups& upstreams, Nanos started, std::string_view client);

/// The record of a tunnel that has come from elsewhere. Lifetime: its texts are views of the state.
[[nodiscard]] AccessRecord record_of(const restart::MovedTunnel& tunnel, const UpstreamGroups& upstreams);
/// Lines that could not stand in a message are left out.
void restore(http::Fields& fields, const std::vector<restart::MovedField>& lines);

/// So long before `now`, but never before the machine has started.
[[nodiscard]] inline Nanos ago(std::uint64_t nanos, Nanos now) {
  return nanos < static_cast<std::uint64_t>(now.count()) ? now - Nanos(static_cast<std::int64_t>(nanos)) : Nanos(0);
}

}  // namespace sluice::worker
