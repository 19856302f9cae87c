// All workers of all tenants, and what concerns more than one of them: who is ready, the order of leaving, the slabs
// that the admin worker reads.
#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "base/scope.h"
#include "base/signal.h"
#include "supervisor/worker.h"

namespace sluice::supervisor {

class Workforce {
 public:
  struct Options {
    BackoffPolicy backoff;
    Millis ready_timeout;
  };
  /// `tenants` must outlive it.
  Workforce(Loop& loop, Log& log, LogSink& sink, const std::vector<std::unique_ptr<Tenant>>& tenants,
            const Options& options);
  Workforce(Workforce&&) = delete;

  /// Starts every slot; each then looks after itself.
  void start();

  /// Set after every move of any worker. One waiter.
  [[nodiscard]] Signal& changed() { return changed_; }
  [[nodiscard]] bool all_ready() const;
  [[nodiscard]] bool all_stopped() const;
  /// A worker that has crashed without ever having been ready, if there is one.
  [[nodiscard]] const Worker* never_started() const;
  [[nodiscard]] std::uint64_t stragglers() const;

  /// Tenants drain; the admin worker stays until they are gone (finish()).
  void drain(const restart::DrainBudget& budget);
  [[nodiscard]] bool tenants_stopped() const;
  void stop();
  void set_log_level(LogLevel level);

  [[nodiscard]] const std::vector<std::unique_ptr<Worker>>& workers() const { return workers_; }
  /// A slab that is not a worker's: the supervisor's own, given to the admin worker under the empty name.
  /// Lifetime: outlives the workforce.
  void set_own_slab(const Fd& slab) { own_slab_ = &slab; }

 private:
  void introduce(Worker& worker);
  void new_slab(Worker& worker);
  void show_slabs(Worker& admin, const std::vector<const Worker*>& whose);

  Log& log_;
  Signal changed_;
  const Fd* own_slab_ = nullptr;
  std::vector<std::unique_ptr<Worker>> workers_;
  Scope scope_;  // last: its tasks use the workers
};

}  // namespace sluice::supervisor
