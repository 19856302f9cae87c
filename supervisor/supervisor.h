// Supervisor: the program as one object. prepare() makes everything that can fail before anything runs (addresses,
// control socket, what tenants share); serve() is its life from the first worker to the last, in one coroutine.
//
// It reads no byte that came from the network and runs no code of an application. Owned by main().
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/loop.h"
#include "base/os_signals.h"
#include "base/scope.h"
#include "restart/drain.h"
#include "supervisor/config.h"
#include "supervisor/control.h"
#include "supervisor/log_sink.h"
#include "supervisor/own_metrics.h"
#include "supervisor/tenant.h"
#include "supervisor/workforce.h"

namespace sluice::supervisor {

class Supervisor {
 public:
  enum class Leave : std::uint8_t { kNo, kDrain, kNow };

  /// `own` are the protections of this process itself, for status.
  Supervisor(Loop& loop, Log& log, LogSink& sink, Configuration configuration, std::string application_override,
             std::vector<Protection> own);
  Supervisor(Supervisor&&) = delete;

  /// Errors: one sentence that says what could not be had; nothing is left running or bound.
  [[nodiscard]] Result<> prepare();
  /// Until everybody has left. Returns the exit code: 0, or 1 when a worker could not be started at all.
  [[nodiscard]] Task<int> serve();

  /// Leave; without a budget the one of the configuration. kNow overtakes kDrain, nothing overtakes kNow.
  void leave(Leave how, std::optional<Millis> budget, std::string_view why);
  /// Ours and all workers'.
  void set_log_level(LogLevel level);
  /// SIGHUP: opens the log again, reads and checks the configuration, says what came of it.
  void reload();

  [[nodiscard]] const Configuration& configuration() const { return configuration_; }
  [[nodiscard]] const std::string& application_override() const { return application_override_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Tenant>>& tenants() const { return tenants_; }
  [[nodiscard]] const Workforce& workforce() const { return *workforce_; }
  [[nodiscard]] bool ready() const { return ready_ && leave_ == Leave::kNo && workforce_->all_ready(); }
  [[nodiscard]] const std::vector<Protection>& protections() const { return protections_; }
  [[nodiscard]] bool leaving() const { return leave_ != Leave::kNo; }
  [[nodiscard]] Nanos uptime() const { return loop_.now() - started_; }
  [[nodiscard]] Loop& loop() const { return loop_; }
  [[nodiscard]] LogLevel log_level() const { return log_.level(); }

 private:
  [[nodiscard]] Result<> make_tenants();
  [[nodiscard]] Result<> open_control();
  [[nodiscard]] Task<> watch_signals();
  [[nodiscard]] Task<> tick();
  [[nodiscard]] Task<bool> start_workers();
  [[nodiscard]] Task<> depart();
  void take_signal(const OsSignal& signal);
  void publish_facts();
  void reap_strangers();
  void say_start_failed(const Worker& worker);

  Loop& loop_;
  Log& log_;
  LogSink& sink_;
  Configuration configuration_;
  std::string application_override_;
  std::vector<Protection> protections_;
  Nanos started_;
  std::optional<Application> admin_;
  PrivateIds private_ids_;
  Cgroups cgroups_;
  std::vector<std::unique_ptr<Tenant>> tenants_;
  std::unique_ptr<OwnMetrics> metrics_;
  std::unique_ptr<OsSignals> signals_;
  std::unique_ptr<Workforce> workforce_;
  std::unique_ptr<Control> control_;
  Leave leave_ = Leave::kNo;
  std::optional<Millis> budget_;
  bool ready_ = false;
  std::uint64_t sink_lost_said_ = 0;
  Scope scope_;  // last: its tasks use all of the above
};

}  // namespace sluice::supervisor
