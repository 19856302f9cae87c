// How a worker starts, as a straight line: say Hello, receive everything (settings, slab, listeners), let the
// application prepare what needs no more than memory, close the door, start the hooks, say Ready. The order is the
// security argument: nothing that came from a client is read before the door is closed, and nothing is opened after.
//
//   auto booted = boot({.application = "sluice-proxy", .version = kVersion});     // blocks until Begin
//   ... Loop, resolver, pools: memory and epoll only ...
//   auto closed = enter_sandbox(*booted);                                          // reports Protections to the
//   supervisor
//   ... hooks' start() ...
//   booted->channel.send(ipc::Ready{}) ...
//
// Must not: read configuration files, look at the environment, open anything by name.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/protection.h"
#include "base/result.h"
#include "worker/sandbox/sandbox.h"

namespace sluice::worker {

/// Descriptors that every worker starts with, and nothing else (supervisor/spawn.h).
inline constexpr int kLogDescriptor = 2;
inline constexpr int kChannelDescriptor = 3;

struct BootRequest {
  std::string_view application;
  std::string_view version;
};

/// A listening socket the supervisor bound for us: non-blocking.
struct Listener {
  std::uint32_t endpoint;  ///< index into the tenant's endpoints
  Fd socket;
  std::string address;  ///< as bound, for log and status
};

}  // namespace sluice::worker
