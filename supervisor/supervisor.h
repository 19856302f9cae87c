// Supervisor: the program as one object. prepare() makes everything that can fail before anything runs (addresses,
// control socket, what tenants share); serve() is its life from the first worker to the last, in one coroutine.
//
// It reads no byte that came from the network and runs no code of an application. Owned by main().
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "base/log.h"
#include "base/loop.h"
#include "base/os_signals.h"
#include "base/scope.h"
#include "restart/drain.h"
#include "supervisor/config.h"
#include "supervisor/control.h"
#include "supervisor/fd_store.h"
#include "supervisor/generations.h"
#include "supervisor/log_sink.h"
#include "supervisor/roster.h"
#include "supervisor/upgrader.h"

namespace sluice::supervisor {

class Supervisor {
 public:
  enum class Leave : std::uint8_t { kNo, kDrain, kNow };

  struct Origins {
    std::string application_override;
    std::vector<Protection> protections;  ///< of this process itself, for status
    std::vector<std::string> filters;     ///< fingerprints of the seccomp filters that it has
    std::vector<std::string> arguments;   ///< of the command line
    OwnProgram program;
    /// Called once all that a supervisor before us has left is ours.
    Result<> (*forbid_reaching_into_others)() = nullptr;
  };
  Supervisor(Loop& loop, Log& log, LogSink& sink, Origins origins);
  Supervisor(Supervisor&&) = delete;

  /// Errors: one sentence that says what could not be had; nothing is left running or bound.
  [[nodiscard]] Result<> prepare(Configuration configuration);
  /// Or this: takes over from the program before this one. Returns only when that is done (takeover.h).
  void go_on(const Takeover& from);
  /// Until everybody has left. Returns the exit code: 0, or 1 when a worker could not be started at all.
  [[nodiscard]] Task<int> serve();

  /// Leave; without a budget the one of the configuration. kNow overtakes kDrain, nothing overtakes kNow.
  void leave(Leave how, std::optional<Millis> budget, std::string_view why);
  /// Ours and all workers'.
  void set_log_level(LogLevel level);
  /// SIGHUP: opens the log again and asks for an upgrade.
  void reload();

  [[nodiscard]] const OwnProgram& program() const { return origins_.program; }
  [[nodiscard]] const Generations& generations() const { return *generations_; }
  [[nodiscard]] const Generation& serving() const { return generations_->serving(); }
  [[nodiscard]] const Configuration& configuration() const { return serving().configuration(); }
  [[nodiscard]] const std::string& application_override() const { return origins_.application_override; }
  [[nodiscard]] Upgrader& upgrader() { return *upgrader_; }
  [[nodiscard]] bool ready() const { return ready_ && leave_ == Leave::kNo && serving().workforce().all_ready(); }
  [[nodiscard]] const std::vector<Protection>& protections() const { return origins_.protections; }
  [[nodiscard]] bool leaving() const { return leave_ != Leave::kNo; }
  [[nodiscard]] Nanos uptime() const { return loop_.now() - started_; }
  [[nodiscard]] Loop& loop() const { return loop_; }
  [[nodiscard]] LogLevel log_level() const { return log_.level(); }

 private:
  [[nodiscard]] Result<> prepare_process();
  [[nodiscard]] Upgrader::Context upgrader_context();
  [[nodiscard]] restart::SavedState save() const;
  [[nodiscard]] Error become(const Fd& program, const std::string& checked);
  [[nodiscard]] Task<> watch_signals();
  [[nodiscard]] Task<> tick();
  [[nodiscard]] Result<> inherit(const std::string& control_path);
  [[nodiscard]] Task<> watch_orphans();
  [[nodiscard]] Task<> end_orphans();
  [[nodiscard]] Task<bool> start_workers();
  /// Until a worker has moved; looks after what follows from any move.
  [[nodiscard]] Task<> wait_for_change();
  [[nodiscard]] Task<> depart();
  [[nodiscard]] restart::DrainBudgets stop_budgets() const;
  void take_signal(const OsSignal& signal);
  void reap_strangers();
  void update_roster();
  void update_store();
  void say_start_failed(const Worker& worker);

  Loop& loop_;
  Log& log_;
  LogSink& sink_;
  Origins origins_;
  Nanos started_;
  enum class Begin : std::uint8_t { kStart, kGoOn };
  Begin begin_ = Begin::kStart;
  std::unique_ptr<OsSignals> signals_;
  std::unique_ptr<Generations> generations_;
  std::unique_ptr<Upgrader> upgrader_;
  std::unique_ptr<Control> control_;
  FdStore store_;
  // estate, number of generations, number of the next socket: when something may differ
  std::tuple<std::uint64_t, std::size_t, std::uint32_t> stored_;
  bool store_failed_ = false;
  std::unique_ptr<Roster> roster_;
  bool roster_failed_ = false;
  std::pair<std::uint64_t, std::uint32_t> estate_is_;  // version, holders
  std::string estate_text_;
  std::vector<Orphan> orphans_;  // of supervisors before us, for as long as one lives
  Leave leave_ = Leave::kNo;
  std::optional<Millis> budget_;
  bool ready_ = false;
  std::uint64_t sink_lost_said_ = 0;
  Scope scope_;  // last: its tasks use all of the above
};

}  // namespace sluice::supervisor
