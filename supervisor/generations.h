// Generations: all that live, and which of them serves. What they share lies here: listening sockets, slabs, private
// ids, cgroups, the supervisor's own metrics. Owned by the Supervisor.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "supervisor/estate.h"
#include "supervisor/generation.h"
#include "supervisor/own_metrics.h"
#include "supervisor/tickets.h"

namespace sluice::supervisor {

class Generations {
 public:
  /// `own_slab`: of a supervisor before us, or empty. Errors: kSystem.
  [[nodiscard]] static Result<std::unique_ptr<Generations>> make(Loop& loop, Log& log, LogSink& sink, Fd own_slab);
  /// For another program that goes on with them: their part of the state; and back.
  void save(restart::SavedState& state) const;
  [[nodiscard]] static std::unique_ptr<Generations> go_on(const Takeover& from, Loop& loop, Log& log, LogSink& sink);
  Generations(Generations&&) = delete;

  /// Listening sockets that outlived a supervisor before us: held until forget_orphans(), for who has their address.
  /// Errors: kBadSyntax; they are closed then.
  [[nodiscard]] Result<> inherit(const std::vector<restart::SavedAddress>& addresses);
  [[nodiscard]] std::vector<restart::SavedAddress> addresses() const { return sockets_.save(); }
  /// Changes whenever a socket is made.
  [[nodiscard]] std::uint32_t next_socket() const { return sockets_.next_number(); }
  /// Files of UNIX sockets stay when we end: somebody else keeps the sockets.
  void leave_files() { sockets_.leave_files(); }
  /// Goes on counting where a supervisor that has died was; before the first add(). How many slabs that are.
  std::size_t inherit(const Estate& estate, SlabPool::Writers writers);
  void writers_ended() { slabs_.writers_ended(); }
  /// For the one that comes after our death; changes when estate_version() or holders() do.
  [[nodiscard]] restart::SavedEstate estate() const;
  /// Processes that have every slab.
  [[nodiscard]] std::uint32_t holders() const;
  [[nodiscard]] std::uint64_t estate_version() const { return slabs_.made() + last_number_; }
  [[nodiscard]] std::uint64_t last_number() const { return last_number_; }
  /// Workers of a supervisor that has died hold addresses too.
  void expect_orphans() { sockets_.expect_orphans(); }
  void forget_orphans() {
    sockets_.forget_orphans();
    inherited_.clear();
  }
  /// One more, neither started nor serving. Errors: Generation::make's.
  [[nodiscard]] Result<Generation*> add(Configuration configuration);
  /// Gives up one that was never started.
  void discard(const Generation& generation);
  /// Destroys those that are gone, but never the serving one; `told` hears of each before.
  void bury(const std::function<void(const Generation&)>& told);

  [[nodiscard]] Generation& serving() const { return *serving_; }
  /// From now on this one; whoever waits for changed() hears of it.
  void set_serving(Generation& generation);
  [[nodiscard]] const std::vector<std::unique_ptr<Generation>>& all() const { return all_; }
  [[nodiscard]] std::size_t draining() const;
  [[nodiscard]] Generation* oldest_draining() const;

  /// Set after every move of any worker. One waiter: the supervisor's main task.
  [[nodiscard]] Signal& changed() { return changed_; }
  void set_log_level(LogLevel level);
  /// All our processes; those of the admin tenant first.
  [[nodiscard]] std::vector<pid_t> pids() const;
  /// Is this one of our processes?
  [[nodiscard]] bool has(pid_t pid) const;
  /// What the admin process reads about the slots.
  void publish_facts();
  /// Gives workers new keys of session tickets where it is time for them.
  void rotate_tickets();
  [[nodiscard]] OwnMetrics& metrics() { return *metrics_; }
  [[nodiscard]] const Steering& steering() const { return datagrams_.steering(); }
  /// Crashes and lost connections of a slot in all generations that ever were.
  struct Past {
    std::uint64_t crashes = 0;
    std::uint64_t lost_connections = 0;
  };

 private:
  Generations(Loop& loop, Log& log, LogSink& sink, std::unique_ptr<OwnMetrics> metrics);
  void connect_mailboxes(Worker& worker);
  void remember_past();

  Signal changed_;
  std::unique_ptr<OwnMetrics> metrics_;
  ListeningSockets sockets_;
  DatagramSockets datagrams_{sockets_};
  PrivateIds private_ids_;
  Cgroups cgroups_;
  SlabPool slabs_;
  Tickets tickets_;
  Workforce::Common common_;
  std::map<std::pair<std::string, std::uint32_t>, Past> past_;
  std::uint64_t last_number_ = 0;
  std::vector<std::shared_ptr<BoundAddress>> inherited_;
  Generation* serving_ = nullptr;
  std::vector<std::unique_ptr<Generation>> all_;  // oldest first
};

}  // namespace sluice::supervisor
