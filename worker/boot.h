// How a worker starts, as a straight line: say Hello, receive everything (settings, slab, listeners), let the
// application prepare what needs no more than memory, close the door, start the hooks, say Ready. The order is the
// security argument: nothing that came from a client is read before the door is closed, and nothing is opened after.
//
//   auto booted = boot({.application = "sluice-proxy", .version = kVersion});      // blocks until Begin
//   Loop loop; …resolver, pools: memory and epoll only…
//   auto closed = enter_sandbox(**booted);                                          // tells the supervisor what is on
//   …hooks' start()…
//   (*booted)->channel.post(ipc::Ready{});
//
// Must not: read configuration files, open anything by name, look at who we are outside.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/log.h"
#include "base/result.h"
#include "ipc/messages.h"
#include "ipc/peer.h"
#include "ipc/settings/settings.h"

namespace sluice::worker {

/// Descriptors that every worker starts with, and nothing else (supervisor/spawn.h).
inline constexpr int kLogDescriptor = 2;
inline constexpr int kChannelDescriptor = 3;

/// The largest settings of a tenant, as JSON.
inline constexpr std::size_t kMaxSettings = std::size_t{64} << 20;

struct BootRequest {
  std::string_view application;
  std::string_view version;
};

/// A listening socket that the supervisor bound for us, non-blocking.
struct Listener {
  std::uint32_t number;    ///< the supervisor's, for Pause
  std::uint32_t endpoint;  ///< index into settings.endpoints
  Fd socket;
  std::string address;  ///< as bound, for log and status
};
/// A UDP socket, the same way.
struct DatagramListener {
  ipc::Listeners::Item item;
  Fd socket;
};
struct MailboxBatch {
  ipc::Mailboxes message;
  std::vector<Fd> fds;
};

/// The slab of another worker, read-only: only the admin worker gets any.
struct OtherSlab {
  std::string tenant;
  std::uint32_t worker_index;
  std::uint32_t number;  ///< among the slabs of that slot
  Fd memory;
};

/// What a worker of the generation before has written down, unread.
struct ParentNote {
  std::string version;
  Fd file;
};

/// Of the keyholder: keys, and who may use them.
struct KeyBatch {
  ipc::Keys message;
  std::vector<Fd> fds;
};
struct KeyUser {
  std::string tenant;
  Fd channel;
};

/// Everything the supervisor gave us. A resource: lives as long as the worker.
struct Booted {
  Booted() : channel(Fd(kChannelDescriptor)), log_output(kLogDescriptor), log(log_output, sluice::LogLevel::kInfo) {}
  Booted(Booted&&) = delete;

  ipc::WorkerEnd channel;
  FdLogOutput log_output;
  Log log;
  ipc::Configure configure;  ///< who we are: tenant, index, generation
  ipc::TenantSettings settings;
  Fd slab;  ///< for ipc::Slab::attach()
  std::vector<Listener> listeners;
  std::vector<DatagramListener> datagrams;
  std::vector<MailboxBatch> mailboxes;
  std::vector<OtherSlab> other_slabs;
  std::vector<ParentNote> parents;
  Fd keyholder;  ///< who signs for us; empty when nobody does yet
  std::vector<KeyBatch> keys;
  std::vector<KeyUser> key_users;
  std::optional<ipc::TicketKeys> ticket_keys;
};

/// Blocks until the supervisor says Begin. Errors are final: they have been logged and told to the supervisor, and the
/// process exits with a status that is not 0.
[[nodiscard]] Result<std::unique_ptr<Booted>> boot(const BootRequest& request);

/// Closes the door (worker/sandbox/sandbox.h) as configured and reports it to the supervisor. Errors: as boot().
[[nodiscard]] Result<> enter_sandbox(Booted& booted);
/// The same for the keyholder, which reaches nobody but those whose channels it is given.
[[nodiscard]] Result<> enter_keyholder_sandbox(Booted& booted);

}  // namespace sluice::worker
