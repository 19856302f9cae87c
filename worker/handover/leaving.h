// What the old worker does with one connection that has stopped: describes it, offers it, and keeps the books when it
// is gone.
#pragma once
#include <string_view>

#include "base/task.h"
#include "restart/handover.h"
#include "worker/flow/client_connection.h"
#include "worker/flow/client_side.h"
#include "worker/services.h"
#include "worker/tunnel/relay.h"

namespace sluice::worker {

/// Whether the connection belongs to another worker now. When it does not, it is no longer wanted to halt, and goes on
/// here.
enum class Left : std::uint8_t { kNo, kYes };

/// Between two requests; `read`: bytes of the next one.
[[nodiscard]] Task<Left> hand_over_idle(const Services& services, ClientConnection& connection, std::string_view read);

/// A tunnel that relay() has halted.
struct HaltedTunnel {
  TunnelEnd client;
  TunnelEnd origin;
  const TunnelCounts& counts;
  const TunnelProgress& progress;
};
/// `tunnel` has what the access log wants to know of it; the rest is filled in.
[[nodiscard]] Task<Left> hand_over_tunnel(const Services& services, ClientConnection& connection,
                                          restart::MovedTunnel tunnel, HaltedTunnel halted);

}  // namespace sluice::worker
