// One incarnation of a worker: the process, the supervisor's ends of everything that leads to it, and the tasks that
// listen to them. What it hears it tells its Worker; it decides nothing.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/fd_events.h"
#include "base/protection.h"
#include "base/scope.h"
#include "base/time.h"
#include "ipc/peer.h"
#include "supervisor/exit_reason.h"
#include "supervisor/log_sink.h"
#include "supervisor/tenant.h"

namespace sluice::supervisor {
class Takeover;

/// What a process has to say, and what becomes of it; implemented by Worker.
class ProcessOwner {
 public:
  virtual void heard(const ipc::FromWorker& message) = 0;
  /// It broke the rules of the channel or hangs: it must go.
  virtual void misbehaved(const std::string& why) = 0;

 protected:
  ~ProcessOwner() = default;
};

class Process {
 public:
  struct Request {
    const Tenant& tenant;
    std::uint32_t index;
    std::uint64_t generation;
    int slab;  ///< borrowed
    LogLevel log_level;
    BoundAddress::Which sockets;  ///< which of its sockets it gets
    DatagramShare::Turn turn;
  };
  /// Starts the process and posts everything up to, but without, Begin. Errors: kSystem.
  [[nodiscard]] static Result<std::unique_ptr<Process>> start(Loop& loop, LogSink& sink, ProcessOwner& owner,
                                                              const Request& request);
  /// Goes on with a process that the program before this one started: still our child.
  [[nodiscard]] static std::unique_ptr<Process> go_on(const Takeover& from, const restart::SavedProcess& saved,
                                                      Loop& loop, LogSink& sink, ProcessOwner& owner,
                                                      const Tenant& tenant, std::uint32_t index);
  [[nodiscard]] restart::SavedProcess save();
  Process(Process&&) = delete;
  /// Kills it if it still runs, and reaps it.
  ~Process();

  /// Posts the listening sockets of its slot that it does not have yet. Errors: the channel's.
  [[nodiscard]] Result<> give_sockets(BoundAddress::Which which, DatagramShare::Turn turn);
  /// Begins to listen: to the log, to the channel.
  void attend();
  /// Ends when the process has ended, with the reason. Its last words have been written by then.
  [[nodiscard]] Task<ExitReason> ended();
  void kill();

  [[nodiscard]] ipc::SupervisorEnd& channel() { return channel_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] Nanos started() const { return started_; }
  [[nodiscard]] const std::vector<Protection>& protections() const { return protections_; }
  void add_protections(const ipc::Protections& from_worker);
  [[nodiscard]] std::vector<std::string> last_words() const { return log_.last_words(); }
  /// For waits that must not outlive the process.
  [[nodiscard]] Scope& scope() { return scope_; }

  [[nodiscard]] bool has_socket(std::uint32_t number) const { return given_.contains(number); }

 private:
  struct Parts {
    Spawned spawned;
    Fd channel;
    Fd log;
  };
  Process(Loop& loop, LogSink& sink, ProcessOwner& owner, const Tenant& tenant, std::uint32_t index, Parts parts);
  [[nodiscard]] Result<> hand_over(const Request& request);
  [[nodiscard]] Task<> listen();
  [[nodiscard]] Task<> send();

  Loop& loop_;
  ProcessOwner& owner_;
  const Tenant& tenant_;
  std::uint32_t index_;
  std::set<std::uint32_t> given_;  // numbers of sockets
  pid_t pid_;
  Nanos started_;
  Fd pidfd_;
  FdEvents end_;
  ipc::SupervisorEnd channel_;
  LogPipe log_;
  std::vector<Protection> protections_;
  bool reaped_ = false;
  Scope scope_;  // last: its tasks use all of the above
};

}  // namespace sluice::supervisor
