// Upgrader: one path from "there is something new" to a new generation that serves, or back (restart/phase.h,
// docs/restart.md). At most one upgrade runs and one waits; who asks while one runs joins the one that waits, so a
// thousand requests are two upgrades and each of them hears of one that began after it had asked.
//
// Nothing here blocks the loop: the new configuration is checked by a child (preflight.h). Owned by the Supervisor.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/loop.h"
#include "base/task.h"
#include "supervisor/generations.h"
#include "supervisor/plan.h"
#include "supervisor/preflight.h"
#include "supervisor/takeover.h"
#include "supervisor/upgrade_record.h"

namespace sluice::supervisor {

class Upgrader {
 public:
  struct Context {
    Loop& loop;
    Log& log;
    Generations& generations;
    const std::string& application_override;
    /// The program of this process, and where another one may lie.
    const OwnProgram& program;
    /// All that the process knows, to be read by another program.
    std::function<restart::SavedState()> state;
    /// Becomes that program; what it says of the new configuration goes with the state. Returns only when that failed.
    std::function<Error(const Fd& program, const std::string& checked)> become;
    /// The configuration in force has changed without new processes.
    std::function<void(const ipc::Settings& before)> applied;
  };
  explicit Upgrader(Context context) : context_(std::move(context)) {}
  Upgrader(Upgrader&&) = delete;
  /// For another program that goes on with it: its part of the state; and back, before run().
  void save(restart::SavedState& state) const;
  void go_on(const Takeover& from);

  /// Begins an upgrade, or joins the one that waits. `why`: who asks. Never fails: what comes of it stands in the
  /// record.
  std::shared_ptr<UpgradeRecord> ask(std::string why, UpgradeRecord::Force force);
  /// Its one task.
  [[nodiscard]] Task<> run();

  /// A worker has moved.
  void changed() { news_.set(); }
  /// A generation is gone; its ledger is final.
  void buried(const Generation& generation);
  /// Sluice leaves: what is not committed is given up, what is committed stays.
  void leave();

  /// Null when it is forgotten.
  [[nodiscard]] std::shared_ptr<UpgradeRecord> find(std::uint64_t number) const;
  /// Oldest first.
  [[nodiscard]] const std::deque<std::shared_ptr<UpgradeRecord>>& records() const { return records_; }

 private:
  [[nodiscard]] Task<> attempt(UpgradeRecord& record);
  /// The part that has been begun by the program before this one.
  [[nodiscard]] Task<> attempt_rest(UpgradeRecord& record);
  [[nodiscard]] Task<> commit(UpgradeRecord& record, Generation* next);
  /// The generation that is ready, or null when the record has failed.
  [[nodiscard]] Task<Generation*> prepare(UpgradeRecord& record);
  [[nodiscard]] Task<Generation*> make(UpgradeRecord& record, Configuration checked);
  [[nodiscard]] Task<Generation*> make_with_new_program(UpgradeRecord& record, Configuration checked);
  void change_program(UpgradeRecord& record, const Preflight& checked);
  [[nodiscard]] Task<bool> wait_until_ready(UpgradeRecord& record, Generation& next);
  /// True when the new generation stays.
  [[nodiscard]] Task<bool> probation(UpgradeRecord& record, Generation& next, Generation& old);
  [[nodiscard]] Task<> retire(UpgradeRecord& record, Generation& leaving);
  void hand_over(const Generation& leaving);

  /// It wants what an upgrade cannot do.
  [[nodiscard]] bool refused(UpgradeRecord& record, const Plan& plan);
  /// There is nothing to do, or it cannot be done.
  [[nodiscard]] bool settled(UpgradeRecord& record, const Plan& plan);
  /// Puts the settings in force in the processes that run. Errors: why that cannot be; nothing has changed then.
  [[nodiscard]] Task<Result<>> in_place(const ipc::Settings& settings);
  /// False when the record has failed.
  [[nodiscard]] Task<bool> make_room(UpgradeRecord& record, const ipc::Settings& next);
  /// Why there is no room for another generation; nothing when there is.
  [[nodiscard]] std::optional<std::string> lacks_room(const ipc::Settings& next) const;
  void cut(Generation& oldest, const std::string& why);
  void refused(UpgradeRecord& record, Refusal refusal);
  void fail(UpgradeRecord& record, restart::Outcome outcome, const std::string& why);
  void decide(UpgradeRecord& record, restart::Outcome outcome, const std::string& why);
  void move(UpgradeRecord& record, restart::Phase next, const std::string& text);
  void forget_oldest();
  Context context_;
  bool leaving_ = false;
  std::uint64_t last_number_ = 0;
  std::uint64_t last_settings_ = 0;
  std::shared_ptr<UpgradeRecord> running_;
  std::shared_ptr<UpgradeRecord> pending_;
  std::string checked_;   // by the program before this one
  std::string returned_;  // why it is that one again
  std::deque<std::shared_ptr<UpgradeRecord>> records_;
  Signal asked_;
  Signal news_;
};

}  // namespace sluice::supervisor
