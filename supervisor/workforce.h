// All workers of one generation, and what concerns more than one of them: who is ready, who accepts, the order of
// leaving, the slabs that the admin worker reads.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "base/scope.h"
#include "base/signal.h"
#include "supervisor/tickets.h"
#include "supervisor/worker.h"

namespace sluice::supervisor {

class Workforce {
 public:
  struct Options {
    BackoffPolicy backoff;
    Millis ready_timeout;
    std::uint64_t generation;
  };
  /// What all generations share.
  struct Common {
    Loop& loop;
    Log& log;
    LogSink& sink;
    Signal& changed;  ///< set after every move of any worker
    SlabPool& slabs;
    /// The supervisor's own slab, given to the admin worker under the empty name.
    const Fd& own_slab;
    /// A slot has got another slab: whoever shows slabs wants to know.
    std::function<void(const SlotSlab&)> new_slab;
    Tickets& tickets;
    /// A process is to start: workers of its tenant in all generations may pass datagrams on to it, and it to them.
    std::function<void(Worker&)> connect_mailboxes;
  };
  /// `tenants` and `common` must outlive it.
  Workforce(const Common& common, const std::vector<std::unique_ptr<Tenant>>& tenants, const Options& options);
  Workforce(Workforce&&) = delete;

  /// Starts every slot; each then looks after itself.
  void start();

  [[nodiscard]] bool all_ready() const;
  [[nodiscard]] bool all_stopped() const;
  /// A worker that has crashed without ever having been ready, if there is one.
  [[nodiscard]] const Worker* never_started() const;
  [[nodiscard]] std::uint64_t stragglers() const;
  [[nodiscard]] std::uint64_t crashes() const;
  [[nodiscard]] restart::Ledger ledger() const;

  /// All accept, whenever they are ready.
  void accept();
  /// The switch: nobody accepts, but from `keep`.
  void pause(const std::vector<std::uint32_t>& keep, const Workforce& successor);
  /// Of a tenant.
  [[nodiscard]] std::uint32_t workers_of(const std::string& tenant) const;
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  enum class Who : std::uint8_t { kAll, kTenants };
  /// kTenants: the admin worker stays until stop().
  void drain(const restart::DrainOrder& order, Who who);
  /// Connects each of its workers with one of `to`'s of the same tenant, and the other way round, and tells them to
  /// hand over and take over. Who is not ready is left out.
  void hand_over(Workforce& to, const ipc::HandOver& order);
  [[nodiscard]] bool tenants_stopped() const;
  void stop();
  void set_log_level(LogLevel level);

  [[nodiscard]] const std::vector<std::unique_ptr<Worker>>& workers() const { return workers_; }
  /// Running admin processes get a new slab.
  void show_new(const SlotSlab& slab);

  // keyholding.cc
  /// More private keys for the keyholder, of a tenant. Errors: the channel's; kUnavailable without a keyholder.
  [[nodiscard]] Result<> give_keys(const std::string& tenant, const std::vector<Fd>& keys);

 private:
  // keyholding.cc
  /// Brings the keyholder together with its keys and the workers of their tenants, whichever of them is new.
  void introduce_keyholder(Worker& worker);
  void connect_keyholder(Worker& keyholder, Worker& worker);
  [[nodiscard]] Worker* keyholder() const;
  void introduce(Worker& worker);
  void show_slabs(Worker& admin, const std::vector<const SlotSlab*>& slabs);

  const Common& common_;
  std::uint64_t generation_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Scope scope_;  // last: its tasks use the workers
};

}  // namespace sluice::supervisor
