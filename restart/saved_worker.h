// A worker and its process as the state of the supervisor has them (saved_state.h). Values.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/settings/describe.h"
#include "restart/ledger.h"

namespace sluice::restart {

/// No descriptor.
inline constexpr std::int32_t kNoFd = -1;

struct SavedProtection {
  std::string name;
  bool on = false;
  std::string why;

  static constexpr std::string_view about = "A protection, as `sluicectl status` shows it.";
  static constexpr void describe(auto& f) {
    using S = SavedProtection;
    f(&S::name, "name", "");
    f(&S::on, "on", "");
    f(&S::why, "why", "");
  }
};
static_assert(settings::complete<SavedProtection>());

struct SavedPacket {
  std::string hex;
  std::vector<std::int32_t> fds;

  static constexpr std::string_view about = "A packet that waits until its worker reads.";
  static constexpr void describe(auto& f) {
    using S = SavedPacket;
    f(&S::hex, "hex", "Its bytes.");
    f(&S::fds, "fds", "Its descriptors.").range(0, 1 << 30);
  }
};
static_assert(settings::complete<SavedPacket>());

struct SavedLogPipe {
  std::int32_t fd = kNoFd;
  std::string line;
  bool cutting = false;
  std::string batch;
  std::uint64_t errors = 0;
  std::vector<std::string> first_words;
  std::vector<std::string> last_words;

  static constexpr std::string_view about = "The reading end of a process's log.";
  static constexpr void describe(auto& f) {
    using S = SavedLogPipe;
    f(&S::fd, "fd", "").range(0, 1 << 30);
    f(&S::line, "line", "What has come of the line that is not complete.");
    f(&S::cutting, "cutting", "The rest of that line is skipped.");
    f(&S::batch, "batch", "Finished lines that the output has not taken.");
    f(&S::errors, "errors", "Errors in a row.");
    f(&S::first_words, "first_words", "The first of them.");
    f(&S::last_words, "last_words", "The last of them.");
  }
};
static_assert(settings::complete<SavedLogPipe>());

struct SavedProcess {
  std::int32_t pid = 0;
  std::int64_t started = 0;
  std::int32_t channel = kNoFd;
  std::uint32_t phase = 0;
  std::vector<std::uint32_t> said;
  std::vector<SavedPacket> queued;
  std::vector<std::uint32_t> sockets;
  SavedLogPipe log;
  std::vector<SavedProtection> protections;

  static constexpr std::string_view about = "A process: a child of ours before and after.";
  static constexpr void describe(auto& f) {
    using S = SavedProcess;
    f(&S::pid, "pid", "").at_least(1);
    f(&S::started, "started", "Nanoseconds of the steady clock.");
    f(&S::channel, "channel", "Our end of the channel.").range(0, 1 << 30);
    f(&S::phase, "phase", "Where the conversation stands (ipc/messages.h).").range(0, 2);
    f(&S::said, "said", "Types of the messages that it has seen.").range(0, 127);
    f(&S::queued, "queued", "What waits to be sent.");
    f(&S::sockets, "sockets", "Numbers of the listening sockets that it has.");
    f(&S::log, "log", "");
    f(&S::protections, "protections", "");
  }
};
static_assert(settings::complete<SavedProcess>());

struct SavedWorker {
  std::string state = "waiting";
  std::int64_t since = 0;
  std::uint32_t leave = 0;
  std::uint32_t accepting = 0;
  std::int32_t slab = -1;
  std::vector<LedgerRow> ledger;
  std::uint32_t trouble = 0;
  bool not_ready = false;
  std::uint64_t asked = 0;
  std::uint32_t unanswered = 0;
  std::string kill_reason;
  std::string failed_why;
  std::uint64_t memory_kills = 0;
  std::string last_exit;
  std::vector<std::string> last_words;
  std::vector<SavedProtection> protections;
  std::uint64_t crashes = 0;
  std::uint64_t lost_connections = 0;
  bool was_ready = false;
  bool straggled = false;
  std::int64_t kill_at = 0;
  std::uint32_t pause_ms = 0;
  std::uint32_t next_pause_ms = 0;
  std::vector<std::int64_t> ends;
  std::vector<SavedProcess> process;
  std::int32_t mailbox = kNoFd;
  std::vector<std::uint32_t> kept;
  std::uint64_t next_generation = 0;
  std::uint32_t next_workers = 0;

  static constexpr std::string_view about = "A worker slot of a generation; its place in the list is its index.";
  static constexpr void describe(auto& f) {
    using S = SavedWorker;
    f(&S::state, "state", "By the name in supervisor/worker_state.h.");
    f(&S::since, "since", "When it came into that state, nanoseconds of the steady clock.");
    f(&S::leave, "leave", "It has been told to drain (1) or to leave (2).").range(0, 2);
    f(&S::accepting, "accepting", "Not yet (0), yes (1), no more (2).").range(0, 2);
    f(&S::slab, "slab", "The place of its memory in the list of slabs; -1: none yet.").at_least(-1);
    f(&S::ledger, "ledger", "What its ended processes have reckoned: connections, requests, tunnels, flows.");
    f(&S::trouble, "trouble",
      "How the last process ended: none has (0), by itself (1), was not ready in time (2), with status 0 (3).")
        .range(0, 3);
    f(&S::not_ready, "not_ready", "The process was killed for not being ready.");
    f(&S::asked, "asked", "Number of the settings that it was asked last to prepare for.");
    f(&S::unanswered, "unanswered", "Such questions that it has not answered.");
    f(&S::kill_reason, "kill_reason", "Why we killed the process.");
    f(&S::failed_why, "failed_why", "Why it says that it cannot start.");
    f(&S::memory_kills, "memory_kills", "Kills for lack of memory in its control group when it started.");
    f(&S::last_exit, "last_exit", "How the last process ended, in words.");
    f(&S::last_words, "last_words", "Its last lines.");
    f(&S::protections, "protections", "");
    f(&S::crashes, "crashes", "");
    f(&S::lost_connections, "lost_connections", "");
    f(&S::was_ready, "was_ready", "");
    f(&S::straggled, "straggled", "");
    f(&S::kill_at, "kill_at", "When it is killed for not having left, nanoseconds of the steady clock; 0: never.");
    f(&S::pause_ms, "pause_ms", "The pause before the next start.");
    f(&S::next_pause_ms, "next_pause_ms", "The one after that.");
    f(&S::ends, "ends", "When it ended by itself, within the window of a crash loop.");
    f(&S::process, "process", "At most one.");
    f(&S::mailbox, "mailbox", "Where others pass datagrams on to it; -1: nowhere.").range(-1, 1 << 30);
    f(&S::kept, "kept", "Numbers of the sockets that it accepts from although it is paused.");
    f(&S::next_generation, "next_generation", "Who accepts instead when it is paused.");
    f(&S::next_workers, "next_workers", "With how many workers.");
  }
};
static_assert(settings::complete<SavedWorker>());

}  // namespace sluice::restart
