// The state of a supervisor, complete: what the program writes into a sealed memfd before it makes way for another one
// by exec, and what that one goes on from, with the same process number, children and descriptors.
//
// One JSON object of the structs here and in saved_worker.h, each of which names its fields once for reading, writing
// and the reader of this file. Descriptors stand by number and are open over exec. Who changes the meaning of anything
// raises kStateVersion. A new field has a default, so that the state of an older version can be read; a field that is
// not known is refused, so that nothing is forgotten on the way back to an older version. Values, no I/O.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "restart/saved_datagrams.h"
#include "restart/saved_worker.h"

namespace sluice::restart {

inline constexpr std::uint32_t kStateVersion = 1;
/// More is refused before it is looked at.
inline constexpr std::size_t kMostStateBytes = std::size_t{256} << 20;

struct SavedSocket {
  std::uint32_t number = 0;
  std::int32_t fd = kNoFd;
  std::uint64_t inode = 0;

  static constexpr std::string_view about = "A listening socket.";
  static constexpr void describe(auto& f) {
    using S = SavedSocket;
    f(&S::number, "number", "As workers know it.");
    f(&S::fd, "fd", "").range(0, 1 << 30);
    f(&S::inode, "inode", "What tells it apart in the descriptor store of a service manager.");
  }
};
static_assert(settings::complete<SavedSocket>());

struct SavedFile {
  std::string path;
  std::int32_t fd = kNoFd;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  static constexpr std::string_view about = "A listening UNIX socket and the file that is its address.";
  static constexpr void describe(auto& f) {
    using S = SavedFile;
    f(&S::path, "path", "");
    f(&S::fd, "fd", "-1: none.").range(-1, 1 << 30);
    f(&S::device, "device", "Of the file.");
    f(&S::inode, "inode", "Of the file: it is removed at the end if it is still that one.");
  }
};
static_assert(settings::complete<SavedFile>());

struct SavedAddress {
  std::string key;
  std::string configured;
  std::string bound;
  std::vector<SavedSocket> sockets;
  std::uint32_t listening = 0;
  SavedFile file;
  std::uint32_t file_number = 0;

  static constexpr std::string_view about =
      "An address that is listened on, by the sockets of all workers of a tenant.";
  static constexpr void describe(auto& f) {
    using S = SavedAddress;
    f(&S::key, "key", "What makes it the same in two generations.");
    f(&S::configured, "configured", "As the configuration has it.");
    f(&S::bound, "bound", "With the real port.");
    f(&S::sockets, "sockets", "");
    f(&S::listening, "listening", "So many of them listen.");
    f(&S::file, "file", "Or this.");
    f(&S::file_number, "file_number", "Its number as workers know it.");
  }
};
static_assert(settings::complete<SavedAddress>());

struct SavedSlab {
  std::string tenant;
  std::uint32_t worker = 0;
  std::uint32_t number = 0;
  std::uint32_t connections = 0;
  std::int32_t fd = kNoFd;
  std::uint64_t inode = 0;
  bool orphaned = false;

  static constexpr std::string_view about = "The shared memory of a worker slot.";
  static constexpr void describe(auto& f) {
    using S = SavedSlab;
    f(&S::tenant, "tenant", "");
    f(&S::worker, "worker", "");
    f(&S::number, "number", "Among the slabs of the slot.");
    f(&S::connections, "connections", "It was made for.");
    f(&S::fd, "fd", "").range(-1, 1 << 30);
    f(&S::inode, "inode", "What tells it apart, whoever has it.");
    f(&S::orphaned, "orphaned", "A worker of a supervisor before us may still write to it.");
  }
};
static_assert(settings::complete<SavedSlab>());

struct SavedEstate {
  std::uint64_t last_generation = 0;
  std::uint32_t holders = 0;
  std::vector<SavedSlab> slabs;

  static constexpr std::string_view about =
      "What counts of a supervisor, for the one that comes after its death. Descriptors count for nothing there.";
  static constexpr void describe(auto& f) {
    using S = SavedEstate;
    f(&S::last_generation, "last_generation", "Number of the newest generation that ever was.");
    f(&S::holders, "holders", "So many of its processes, the first, have every slab.");
    f(&S::slabs, "slabs", "The supervisor's own has no tenant.");
  }
};
static_assert(settings::complete<SavedEstate>());

struct SavedAddresses {
  std::int64_t sequence = 0;
  std::vector<SavedAddress> addresses;
  SavedEstate estate;

  static constexpr std::string_view about =
      "What the listening sockets in the descriptor store of a service manager are. Descriptors count for nothing "
      "there, a socket is known by its inode.";
  static constexpr void describe(auto& f) {
    using S = SavedAddresses;
    f(&S::sequence, "sequence", "The highest counts: nanoseconds of the steady clock.");
    f(&S::addresses, "addresses", "");
    f(&S::estate, "estate", "");
  }
};
static_assert(settings::complete<SavedAddresses>());

struct SavedOrphan {
  std::int32_t pid = 0;
  std::int32_t fd = kNoFd;

  static constexpr std::string_view about = "A worker of a supervisor that has died.";
  static constexpr void describe(auto& f) {
    using S = SavedOrphan;
    f(&S::pid, "pid", "").at_least(1);
    f(&S::fd, "fd", "Leads to the process.").range(0, 1 << 30);
  }
};
static_assert(settings::complete<SavedOrphan>());

struct SavedApplication {
  std::string path;
  std::int32_t fd = kNoFd;
  std::string identity;
  std::string about_text;

  static constexpr std::string_view about = "A program that workers are started from.";
  static constexpr void describe(auto& f) {
    using S = SavedApplication;
    f(&S::path, "path", "");
    f(&S::fd, "fd", "Of its file; -1: there is none.").range(-1, 1 << 30);
    f(&S::identity, "identity", "Of the file as it was opened.");
    f(&S::about_text, "about", "What it says about itself.");
  }
};
static_assert(settings::complete<SavedApplication>());

struct SavedTenant {
  std::string name;
  std::int32_t settings_fd = kNoFd;
  std::int64_t uid = -1;
  std::int64_t gid = -1;
  bool grouped = false;
  std::string group;
  SavedProtection group_report;
  std::vector<std::int32_t> keys;
  std::vector<SavedWorker> workers;

  static constexpr std::string_view about = "A tenant of a generation.";
  static constexpr void describe(auto& f) {
    using S = SavedTenant;
    f(&S::name, "name", "");
    f(&S::settings_fd, "settings_fd", "Sealed memfd with its settings, as its workers have them.").range(0, 1 << 30);
    f(&S::uid, "uid", "Of its workers; -1: ours.").at_least(-1);
    f(&S::gid, "gid", "").at_least(-1);
    f(&S::grouped, "grouped", "A memory limit asks for a control group.");
    f(&S::group, "group", "Its folder; empty: none could be had.");
    f(&S::group_report, "group_report", "");
    f(&S::keys, "keys", "Files of its private keys, for the keyholder.").range(0, 1 << 30);
    f(&S::workers, "workers", "").filled();
  }
};
static_assert(settings::complete<SavedTenant>());

struct SavedGeneration {
  std::uint64_t number = 0;
  std::string file;
  std::string settings;
  SavedApplication application;
  SavedApplication admin;
  SavedApplication keyholder;
  bool accepted = false;
  bool draining = false;
  std::vector<SavedTenant> tenants;

  static constexpr std::string_view about = "A configuration at work.";
  static constexpr void describe(auto& f) {
    using S = SavedGeneration;
    f(&S::number, "number", "").at_least(1);
    f(&S::file, "file", "The configuration's.");
    f(&S::settings, "settings", "The configuration, as JSON.");
    f(&S::application, "application", "");
    f(&S::admin, "admin", "");
    f(&S::keyholder, "keyholder", "");
    f(&S::accepted, "accepted", "It has taken part in accepting.");
    f(&S::draining, "draining", "");
    f(&S::tenants, "tenants", "").filled();
  }
};
static_assert(settings::complete<SavedGeneration>());

struct SavedEvent {
  std::int64_t unix_ms = 0;
  std::string phase;
  std::string text;

  static constexpr std::string_view about = "A step of an upgrade.";
  static constexpr void describe(auto& f) {
    using S = SavedEvent;
    f(&S::unix_ms, "unix_ms", "");
    f(&S::phase, "phase", "By the name in phase.cc.");
    f(&S::text, "text", "");
  }
};
static_assert(settings::complete<SavedEvent>());

struct SavedUpgrade {
  std::uint64_t number = 0;
  std::string why;
  std::int64_t started_unix_ms = 0;
  std::vector<SavedEvent> events;
  std::string outcome;
  std::string reason;
  bool force = false;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  std::uint64_t leaving = 0;
  std::vector<std::string> changes;
  std::string problems;
  std::vector<std::string> last_words;
  std::vector<LedgerRow> ledger;

  static constexpr std::string_view about = "An upgrade that was, is or is to be. Its phase is that of its last event.";
  static constexpr void describe(auto& f) {
    using S = SavedUpgrade;
    f(&S::number, "number", "").at_least(1);
    f(&S::why, "why", "");
    f(&S::started_unix_ms, "started_unix_ms", "");
    f(&S::events, "events", "");
    f(&S::outcome, "outcome", "By the name in outcome.h; empty: none yet.");
    f(&S::reason, "reason", "");
    f(&S::force, "force", "");
    f(&S::from, "from", "Generations.");
    f(&S::to, "to", "");
    f(&S::leaving, "leaving", "");
    f(&S::changes, "changes", "Paths of the configuration.");
    f(&S::problems, "problems", "Of the configuration, as a child's answer has them; empty: none.");
    f(&S::last_words, "last_words", "");
    f(&S::ledger, "ledger", "Connections, requests, tunnels, flows.");
  }
};
static_assert(settings::complete<SavedUpgrade>());

struct SavedClient {
  std::int32_t fd = kNoFd;
  std::string input;
  std::uint64_t upgrade = 0;
  std::uint64_t shown = 0;
  std::string until;

  static constexpr std::string_view about = "A client of the control socket.";
  static constexpr void describe(auto& f) {
    using S = SavedClient;
    f(&S::fd, "fd", "").range(0, 1 << 30);
    f(&S::input, "input", "What has come of a request.");
    f(&S::upgrade, "upgrade", "Number of the upgrade that it waits for; 0: it waits for nothing.");
    f(&S::shown, "shown", "So many of its events have been sent.");
    f(&S::until, "until", "How far it waits.");
  }
};
static_assert(settings::complete<SavedClient>());

struct SavedPast {
  std::string tenant;
  std::uint32_t worker = 0;
  std::uint64_t crashes = 0;
  std::uint64_t lost_connections = 0;

  static constexpr std::string_view about = "A worker slot in generations that are gone.";
  static constexpr void describe(auto& f) {
    using S = SavedPast;
    f(&S::tenant, "tenant", "");
    f(&S::worker, "worker", "");
    f(&S::crashes, "crashes", "");
    f(&S::lost_connections, "lost_connections", "");
  }
};
static_assert(settings::complete<SavedPast>());

struct SavedId {
  std::string tenant;
  std::uint32_t id = 0;

  static constexpr std::string_view about = "The private user id of a tenant.";
  static constexpr void describe(auto& f) {
    using S = SavedId;
    f(&S::tenant, "tenant", "");
    f(&S::id, "id", "");
  }
};
static_assert(settings::complete<SavedId>());

struct SavedTickets {
  std::string tenant;
  std::int64_t since = 0;
  std::string hex;

  static constexpr std::string_view about = "Keys of a tenant's session tickets.";
  static constexpr void describe(auto& f) {
    using S = SavedTickets;
    f(&S::tenant, "tenant", "");
    f(&S::since, "since", "Nanoseconds of the steady clock: the current one is it from then on.");
    f(&S::hex, "hex", "The next one, the current one, the previous one.");
  }
};
static_assert(settings::complete<SavedTickets>());

struct SavedProgram {
  std::string path;
  std::string version;
  std::int32_t fd = kNoFd;
  std::vector<std::string> filters;

  static constexpr std::string_view about = "The program that wrote this.";
  static constexpr void describe(auto& f) {
    using S = SavedProgram;
    f(&S::path, "path", "Where the next one is looked for.");
    f(&S::version, "version", "");
    f(&S::fd, "fd", "Of its file: the way back.").range(0, 1 << 30);
    f(&S::filters, "filters", "Seccomp filters that the process has taken so far.");
  }
};
static_assert(settings::complete<SavedProgram>());

struct SavedState {
  std::uint32_t version = 0;
  SavedProgram program;
  std::int64_t started = 0;
  std::string log_level;
  std::int32_t log_fd = kNoFd;
  std::string log_rest;
  std::vector<SavedProtection> protections;
  SavedFile control;
  std::vector<SavedClient> clients;
  std::uint32_t next_socket = 1;
  std::vector<SavedAddress> addresses;
  SavedDatagrams datagrams;
  std::string address_map;
  std::int32_t own_slab = kNoFd;
  std::vector<SavedSlab> slabs;
  std::vector<SavedOrphan> orphans;
  std::vector<SavedId> private_ids;
  std::vector<SavedPast> past;
  std::vector<SavedTickets> tickets;
  std::uint64_t last_generation = 0;
  std::uint64_t serving = 0;
  std::vector<SavedGeneration> generations;
  std::vector<SavedUpgrade> upgrades;
  std::uint64_t last_upgrade = 0;
  std::uint64_t last_settings = 0;
  std::uint64_t running = 0;
  std::uint64_t pending = 0;
  std::string checked;
  std::uint32_t protocol = 0;

  static constexpr std::string_view about = "All that a supervisor knows.";
  static constexpr void describe(auto& f) {
    using S = SavedState;
    f(&S::version, "version", "Of this form.");
    f(&S::program, "program", "");
    f(&S::started, "started", "Nanoseconds of the steady clock.");
    f(&S::log_level, "log_level", "");
    f(&S::log_fd, "log_fd", "The log file; -1: standard error.").range(-1, 1 << 30);
    f(&S::log_rest, "log_rest", "The rest of a line of which the log has taken a part.");
    f(&S::protections, "protections", "Our own.");
    f(&S::control, "control", "The control socket.");
    f(&S::clients, "clients", "");
    f(&S::next_socket, "next_socket", "Number of the next listening socket.");
    f(&S::addresses, "addresses", "");
    f(&S::datagrams, "datagrams", "");
    f(&S::address_map, "address_map", "Name of their description in the descriptor store; empty: there is none.");
    f(&S::own_slab, "own_slab", "The supervisor's own metrics.").range(0, 1 << 30);
    f(&S::slabs, "slabs", "");
    f(&S::orphans, "orphans", "");
    f(&S::private_ids, "private_ids", "");
    f(&S::past, "past", "");
    f(&S::tickets, "tickets", "");
    f(&S::last_generation, "last_generation", "Number of the newest generation that ever was.");
    f(&S::serving, "serving", "Number of the one that serves.");
    f(&S::generations, "generations", "Oldest first.").filled();
    f(&S::upgrades, "upgrades", "Oldest first.");
    f(&S::last_upgrade, "last_upgrade", "Number of the newest.");
    f(&S::last_settings, "last_settings", "Number of the newest settings that workers were asked to prepare for.");
    f(&S::running, "running", "Number of the one that goes on after exec; 0: none.");
    f(&S::pending, "pending", "Number of the one that waits; 0: none.");
    f(&S::checked, "checked", "What preflight said of the new configuration; empty: this is a copy for preflight.");
    f(&S::protocol, "protocol", "Version of what is said to the workers, and of their memory; 0: nobody has said.");
  }
};
static_assert(settings::complete<SavedState>());

[[nodiscard]] std::string write_state(const SavedState& state);
/// Errors: kUnsupported for another version; kBadSyntax for what is not a state, or one that does not hold together: a
/// number that leads nowhere, a descriptor twice.
[[nodiscard]] Result<SavedState> read_state(std::string_view text);
/// The descriptor of the program that wrote this, also where read_state() makes nothing of the rest; kNoFd when not
/// even that can be told.
[[nodiscard]] std::int32_t writer_of(std::string_view text);
[[nodiscard]] std::string write_addresses(const SavedAddresses& addresses);
/// Errors: kBadSyntax.
[[nodiscard]] Result<SavedAddresses> read_addresses(std::string_view text);
[[nodiscard]] std::string write_estate(const SavedEstate& estate);
/// Errors: kBadSyntax.
[[nodiscard]] Result<SavedEstate> read_estate(std::string_view text);
/// All that must be open over exec.
[[nodiscard]] std::vector<std::int32_t> descriptors_of(const SavedState& state);

}  // namespace sluice::restart
