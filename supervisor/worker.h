// Worker: one slot (tenant, index) of one generation. Starts a process in it, watches it, says why it ended and what
// was lost with it, starts the next. Its state moves only by the table in worker_state.h; whether it accepts is its
// generation's business and goes beside it.
//
// The slab belongs to the slot and outlives its processes, so counters go on and the connections of a dead worker can
// still be read. Owned by the Workforce; run() is its one task.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/loop.h"
#include "base/scope.h"
#include "base/signal.h"
#include "base/task.h"
#include "ipc/slab.h"
#include "restart/drain.h"
#include "restart/ledger.h"
#include "supervisor/backoff.h"
#include "supervisor/process.h"
#include "supervisor/slab_pool.h"
#include "supervisor/tenant.h"
#include "supervisor/worker_state.h"

namespace sluice::supervisor {

class Worker final : private ProcessOwner {
 public:
  struct Context {
    Loop& loop;
    Log& log;
    LogSink& sink;
    BackoffPolicy backoff;
    Millis ready_timeout;
    Signal& changed;  ///< set after every move of any worker
    SlabPool& slabs;
    std::uint64_t generation;
    /// Called for each new process, before it is told to begin, and whenever a slot has got another slab.
    std::function<void(Worker&)> introduce;
    std::function<void(Worker&)> new_slab;
  };
  Worker(const Context& context, const Tenant& tenant, std::uint32_t index)
      : context_(context), tenant_(tenant), index_(index), backoff_(context.backoff) {}
  Worker(Worker&&) = delete;
  ~Worker();
  /// For another program that goes on with it; and back, before run().
  [[nodiscard]] restart::SavedWorker save() const;
  void go_on(const Takeover& from, const restart::SavedWorker& saved);

  /// The whole life of the slot; ends in kStopped.
  [[nodiscard]] Task<> run();

  /// From now on its processes accept, whenever they are ready.
  void accept();
  /// The switch: its process stops accepting, but from `keep`, and reckons; a process that starts later does not
  /// accept.
  struct Successor {
    std::uint64_t generation;
    std::uint32_t workers;  ///< of this tenant
  };
  void pause(const std::vector<std::uint32_t>& keep, const Successor& successor);
  /// Lets it finish what it has; from any state. Again, it shortens the time.
  void drain(const restart::DrainOrder& order);
  /// It leaves now; from any state.
  void stop();
  void set_log_level(LogLevel level);

  // settings that take the place of others in a process that serves
  /// Asks a ready process to prepare for these. Errors: the channel's.
  [[nodiscard]] Result<> prepare(std::uint64_t number, const Fd& settings);
  enum class Able : std::uint8_t { kNotAsked, kAsked, kYes, kNo };
  /// What the process that runs has answered to the last question.
  [[nodiscard]] Able able() const { return able_; }
  [[nodiscard]] const std::string& unable_because() const { return unable_because_; }
  /// The process that is able goes over to them; one that cannot be told is killed, and the next begins with them.
  void adopt();
  /// Asks a ready process to write down what its application leaves to the next generation; able() says whether it has.
  /// Errors: the channel's.
  [[nodiscard]] Result<> save_state(std::uint64_t number, const Fd& file);
  /// The next process that starts gets this, of a worker of the generation before with that version of the application.
  /// 32 of them at most.
  void inherit(std::string version, Fd state);
  /// For messages of the moment (Slabs). Errors: kUnavailable without a process.
  [[nodiscard]] Result<> post(const ipc::FromSupervisor& message, std::span<const int> fds);

  [[nodiscard]] const Tenant& tenant() const { return tenant_; }
  [[nodiscard]] std::uint32_t index() const { return index_; }
  [[nodiscard]] WorkerState state() const { return state_; }
  [[nodiscard]] bool ready() const { return state_ == WorkerState::kReady; }
  /// 0 without a process.
  [[nodiscard]] pid_t pid() const { return process_ != nullptr ? process_->pid() : 0; }
  [[nodiscard]] Nanos since() const { return since_; }
  /// Processes of this slot that ended by themselves, or could not be started.
  [[nodiscard]] std::uint64_t crashes() const { return crashes_; }
  [[nodiscard]] std::uint64_t lost_connections() const { return lost_connections_; }
  /// Why the last process ended; empty when none has.
  [[nodiscard]] const std::string& last_exit() const { return last_exit_; }
  [[nodiscard]] const std::vector<std::string>& last_words() const { return last_words_; }
  [[nodiscard]] const std::vector<Protection>& protections() const { return protections_; }
  /// It has crashed and never been ready: the configuration or the machine does not let it start.
  [[nodiscard]] bool never_started() const { return crashes_ > 0 && !was_ready_; }
  /// Killed by us because it had not left in time.
  [[nodiscard]] bool straggled() const { return straggled_; }
  /// How the last process ended.
  enum class Trouble : std::uint8_t { kNone, kEnded, kNotReady, kQuit };
  [[nodiscard]] Trouble trouble() const { return trouble_; }
  /// The slot's memory; null before the first start.
  [[nodiscard]] const SlotSlab* slab() const { return slab_; }
  [[nodiscard]] std::uint64_t generation() const { return context_.generation; }
  /// What its processes have reckoned since the switch, those that have ended.
  [[nodiscard]] const restart::Ledger& ledger() const { return ledger_; }
  /// Where others pass datagrams on to its process; empty when nobody does.
  [[nodiscard]] const Fd& mailbox() const { return mailbox_; }
  void set_mailbox(Fd mailbox) { mailbox_ = std::move(mailbox); }

 private:
  enum class Leave : std::uint8_t { kNo, kDrain, kNow };
  enum class Accepting : std::uint8_t { kNotYet, kYes, kPaused };

  void heard(const ipc::FromWorker& message) override;
  void misbehaved(const std::string& why) override;

  [[nodiscard]] Task<> live();
  [[nodiscard]] Task<> live_on();
  [[nodiscard]] Task<> rest_on();
  [[nodiscard]] Task<> pause(Millis duration);
  [[nodiscard]] Task<> watch_start();
  [[nodiscard]] Task<> watch_end(Deadline end);
  void kill_later(Deadline end);
  [[nodiscard]] Result<> start();
  [[nodiscard]] Result<> prepare_slab();
  void ended(ExitReason reason);
  [[nodiscard]] std::uint64_t report_lost_connections(const std::string& why);
  void became_ready();
  void prepared(const ipc::Prepared& said);
  void close_page();
  void tell_to_accept();
  void tell_to_pause();
  void accept_what_is_kept();
  [[nodiscard]] Result<> ask(const ipc::FromSupervisor& question, std::uint64_t number, const Fd& file);
  [[nodiscard]] DatagramShare::Turn turn() const;
  void move_to(WorkerState next);
  void kill(const std::string& why);

  Context context_;
  const Tenant& tenant_;
  std::uint32_t index_;
  Backoff backoff_;
  WorkerState state_ = WorkerState::kWaiting;
  Nanos since_{0};
  Leave leave_ = Leave::kNo;
  Signal told_;  // drain() or stop() was called while nothing runs
  SlotSlab* slab_ = nullptr;
  Accepting accepting_ = Accepting::kNotYet;
  std::vector<std::uint32_t> kept_;  // sockets that it accepts from all the same, when paused
  Successor successor_{};
  restart::Ledger ledger_;
  Fd mailbox_;
  Trouble trouble_ = Trouble::kNone;
  bool not_ready_ = false;
  std::unique_ptr<Process> process_;
  Able able_ = Able::kNotAsked;
  std::uint64_t asked_ = 0;       // the number of the last question
  std::uint32_t unanswered_ = 0;  // questions
  std::string unable_because_;
  std::vector<std::pair<std::string, Fd>> inherited_;
  std::string kill_reason_;
  std::string failed_why_;
  std::uint64_t memory_kills_ = 0;
  Millis next_pause_{0};
  Deadline kill_at_;
  std::string last_exit_;
  std::vector<std::string> last_words_;
  std::vector<Protection> protections_;
  std::uint64_t crashes_ = 0;
  std::uint64_t lost_connections_ = 0;
  bool was_ready_ = false;
  bool straggled_ = false;
};

}  // namespace sluice::supervisor
