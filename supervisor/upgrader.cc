// See upgrader.h.
#include "supervisor/upgrader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.h"
#include "base/settings/units.h"
#include "base/version.h"
#include "restart/fault_point.h"
#include "supervisor/notify.h"
#include "supervisor/parent_state.h"
#include "supervisor/reconfiguration.h"
#include "supervisor/room.h"
#include "supervisor/tenant.h"

namespace sluice::supervisor {
namespace {
using restart::FaultPoint;
using restart::Outcome;
using restart::Phase;

void fault_point(FaultPoint at) {
  restart::fault_point(at, 0);
}

// Between "nobody new gets in" and the last look into the queue of an address that goes away: handshakes end meanwhile.
constexpr Millis kHandshakes{200};

restart::DrainBudgets budgets_of(const ipc::UpgradeDrainSettings& drain) {
  return {.idle = drain.idle,
          .request = drain.request,
          .upload = drain.upload,
          .tunnel = drain.tunnel,
          .flow = drain.flow,
          .spread_percent = static_cast<std::uint16_t>(drain.spread)};
}

// The first worker that has crashed; null when none has.
const Worker* first_crashed(const Workforce& workforce) {
  const auto& workers = workforce.workers();
  const auto found = std::ranges::find_if(workers, [](const auto& worker) { return worker->crashes() > 0; });
  return found != workers.end() ? found->get() : nullptr;
}

Outcome outcome_of(Worker::Trouble trouble) {
  switch (trouble) {
    case Worker::Trouble::kNotReady:
      return Outcome::kNotReady;
    case Worker::Trouble::kQuit:
      return Outcome::kQuit;
    case Worker::Trouble::kNone:
    case Worker::Trouble::kEnded:
      break;
  }
  return Outcome::kCrashed;
}

std::string end_of(const Worker& worker) {
  return fmt::format("worker {}/{} {}", worker.tenant().settings.name, worker.index(), worker.last_exit());
}

std::string ledger_text(const restart::LedgerRow& row) {
  return fmt::format("{} open: {} finished, {} handed over, {} told to retry, {} cut, {} crashed, {} unexplained",
                     row.open, row.finished, row.handed_over, row.retry, row.cut, row.crashed, row.unexplained());
}

}  // namespace

std::shared_ptr<UpgradeRecord> Upgrader::ask(std::string why, UpgradeRecord::Force force) {
  if (pending_ == nullptr) {
    pending_ = std::make_shared<UpgradeRecord>(++last_number_, std::move(why));
    records_.push_back(pending_);
    forget_oldest();
  }
  const std::shared_ptr<UpgradeRecord> record = pending_;
  if (force == UpgradeRecord::Force::kYes) record->force = force;
  if (leaving_) {
    pending_.reset();
    fail(*record, Outcome::kStopping, "Sluice is leaving");
  } else {
    asked_.set();
  }
  return record;
}

void Upgrader::forget_oldest() {
  const std::size_t keep = context_.generations.serving().configuration().settings.upgrade.keep;
  while (records_.size() > keep && records_.front()->ended()) records_.pop_front();
}

std::shared_ptr<UpgradeRecord> Upgrader::find(std::uint64_t number) const {
  const auto found = std::ranges::find(records_, number, &UpgradeRecord::number);
  return found != records_.end() ? *found : nullptr;
}

Task<> Upgrader::run() {
  if (running_ != nullptr) {
    co_await attempt_rest(*running_);
    running_.reset();
  }
  if (pending_ != nullptr) asked_.set();
  for (;;) {
    co_await asked_.wait(context_.loop, Deadline::never());
    asked_.clear();
    while (pending_ != nullptr) {
      running_ = std::move(pending_);
      const std::shared_ptr<UpgradeRecord> record = running_;
      co_await attempt(*record);
      running_.reset();
    }
  }
}

Task<> Upgrader::attempt(UpgradeRecord& record) {
  Generation* const next = co_await prepare(record);
  co_await commit(record, next);
}

Task<> Upgrader::attempt_rest(UpgradeRecord& record) {
  fault_point(FaultPoint::kExecAfter);
  Generation* next = nullptr;
  if (!returned_.empty()) {
    fail(record, Outcome::kState, returned_);
  } else {
    std::expected<Configuration, Refusal> checked =
        judge_preflight(context_.generations.serving().configuration().file, checked_);
    if (!checked) {
      refused(record, std::move(checked).error());
    } else {
      next = co_await make_with_new_program(record, *std::move(checked));
    }
  }
  co_await commit(record, next);
}

// New workers in any case: how they are started and confined is the work of the program that is new.
Task<Generation*> Upgrader::make_with_new_program(UpgradeRecord& record, Configuration checked) {
  const Plan plan = plan_for(context_.generations.serving(), checked);
  record.changes = plan.paths();
  if (refused(record, plan)) co_return nullptr;
  const bool room = co_await make_room(record, checked.settings);
  if (!room) co_return nullptr;
  co_return co_await make(record, std::move(checked));
}

// Null: there is nothing to commit.
Task<> Upgrader::commit(UpgradeRecord& record, Generation* next) {
  if (next == nullptr) {
    notify_service_manager("READY=1");
    co_return;
  }
  Generation& old = context_.generations.serving();
  const Nanos before = steady_now();
  fault_point(FaultPoint::kCommitBefore);
  move(record, Phase::kCommit, fmt::format("generation {} takes over the listening sockets", next->number()));
  if (Result<> accepting = next->accept(); !accepting) {
    // nobody has been told anything yet; the table knows no way back from here but through the flip
    (void)old.accept();  // sockets that have been added and listen now are somebody's to look at
    move(record, Phase::kProbation, accepting.error().message());
    move(record, Phase::kFlipBack, "the new generation cannot listen");
    decide(record, Outcome::kAddress, accepting.error().message());
    notify_service_manager("READY=1");
    co_await retire(record, *next);
    co_return;
  }
  fault_point(FaultPoint::kCommitAccepting);
  old.pause(*next);
  fault_point(FaultPoint::kCommitAfter);
  context_.generations.set_serving(*next);
  const auto took = std::chrono::floor<std::chrono::microseconds>(steady_now() - before);
  context_.log.info("generation serves",
                    {{"generation", next->number()}, {"before", old.number()}, {"microseconds", took.count()}});
  const bool stays = co_await probation(record, *next, old);
  notify_service_manager("READY=1");
  if (leaving_) co_return;  // leave() has said what becomes of it
  Generation& goes = stays ? old : *next;
  co_await retire(record, goes);
}

Task<Generation*> Upgrader::prepare(UpgradeRecord& record) {
  const Configuration& now = context_.generations.serving().configuration();
  record.from = context_.generations.serving().number();
  notify_service_manager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                                     std::chrono::duration_cast<std::chrono::microseconds>(steady_now()).count()));
  move(record, Phase::kPreflight, "checking " + now.file);
  fault_point(FaultPoint::kPreflightBefore);
  const PreflightRequest request{.file = now.file,
                                 .application = context_.application_override,
                                 .limit = now.settings.upgrade.preflight_timeout,
                                 .program = &context_.program,
                                 .state = context_.state};
  std::expected<Preflight, Refusal> checked = co_await preflight(context_.loop, request);
  if (record.outcome()) co_return nullptr;  // told to leave
  fault_point(FaultPoint::kPreflightAfter);
  if (!checked) {
    refused(record, std::move(checked).error());
    co_return nullptr;
  }
  if (checked->program) {
    change_program(record, *checked);
    co_return nullptr;
  }
  Configuration& next = *checked->configuration;
  const Plan plan = plan_for(context_.generations.serving(), next);
  record.changes = plan.paths();
  if (settled(record, plan)) co_return nullptr;
  if (plan.needs() == restart::Needs::kInPlace && record.force == UpgradeRecord::Force::kNo) {
    const Result<> done = co_await in_place(next.settings);
    if (record.outcome()) co_return nullptr;  // told to leave
    if (done) {
      const std::string what = fmt::format("{}", fmt::join(record.changes, ", "));
      decide(record, Outcome::kInPlace, what);
      move(record, Phase::kEnded, "in force: " + what);
      co_return nullptr;
    }
    context_.log.warn("not in place", {{"upgrade", record.number()}, {"why", done.error().message()}});
  }
  const bool room = co_await make_room(record, next.settings);
  if (!room) co_return nullptr;
  co_return co_await make(record, std::move(next));
}

// When all goes well nothing here returns: the new program begins at attempt_rest().
void Upgrader::change_program(UpgradeRecord& record, const Preflight& checked) {
  move(record, Phase::kExec, fmt::format("version {} becomes {}", version(), checked.version));
  fault_point(FaultPoint::kExecBefore);
  const Error failed = context_.become(checked.program, checked.answer);
  fail(record, Outcome::kSupervisor, failed.message());
}

Task<Generation*> Upgrader::make(UpgradeRecord& record, Configuration checked) {
  move(record, Phase::kSpawn,
       record.changes.empty() ? "starting new workers"
                              : fmt::format("starting new workers; changed: {}", fmt::join(record.changes, ", ")));
  fault_point(FaultPoint::kSpawnBefore);
  Result<Generation*> next = context_.generations.add(std::move(checked));
  if (!next) {
    fail(record, Outcome::kAddress, next.error().message());
    co_return nullptr;
  }
  record.to = (*next)->number();
  fault_point(FaultPoint::kSpawnBound);
  const StateTransfer states{context_.loop, context_.log,    news_, context_.generations.serving(),
                             **next,        ++last_settings_};
  co_await hand_states_on(states);
  (*next)->start();
  fault_point(FaultPoint::kSpawnStarted);
  const bool ready = co_await wait_until_ready(record, **next);
  if (!ready) {
    (*next)->stop();
    co_return nullptr;
  }
  co_return *next;
}

bool Upgrader::refused(UpgradeRecord& record, const Plan& plan) {
  const std::string path = plan.fixed();
  if (path.empty()) return false;
  fail(record, Outcome::kFixed, path + " can be changed only by a restart");
  return true;
}

bool Upgrader::settled(UpgradeRecord& record, const Plan& plan) {
  if (refused(record, plan)) return true;
  if (record.force == UpgradeRecord::Force::kYes || !plan.nothing()) return false;
  context_.log.info("configuration unchanged", {{"config", context_.generations.serving().configuration().file}});
  decide(record, Outcome::kUnchanged, "");
  move(record, Phase::kEnded, "nothing has changed");
  return true;
}

Task<Result<>> Upgrader::in_place(const ipc::Settings& settings) {
  Generation& serving = context_.generations.serving();
  const ipc::Settings before = serving.configuration().settings;
  Reconfiguration change(serving, ++last_settings_);
  const Deadline deadline = context_.loop.in(before.restart_policy.ready_timeout);
  Result<> prepared = co_await change.prepare(context_.loop, settings, news_, deadline);
  if (!prepared) co_return prepared;
  if (Result<> adopted = change.adopt(); !adopted) co_return adopted;
  serving.adopt(settings);
  context_.applied(before);
  co_return Result<>();
}

std::optional<std::string> Upgrader::lacks_room(const ipc::Settings& next) const {
  constexpr std::uint64_t kOfAWorker = 8;  // channel, log, process, slab, and what a start needs for a moment
  // stack, page tables, pipes and sockets, which count in control groups too: 240 KiB measured
  constexpr std::uint64_t kOfTheKernel = std::uint64_t{512} << 10U;
  const Generations& generations = context_.generations;
  const Generation& serving = generations.serving();
  std::uint64_t drains_soon = serving.memory();
  std::uint64_t workers = next.admin.enabled ? 1 : 0;
  for (const ipc::TenantSettings& tenant : next.tenants) workers += workers_of(tenant);
  const std::uint64_t now = std::max<std::uint64_t>(serving.workforce().workers().size(), 1);
  const Need need{.memory = drains_soon * workers / now + kOfTheKernel * workers, .descriptors = kOfAWorker * workers};
  for (const std::unique_ptr<Generation>& generation : generations.all())
    if (generation->draining()) drains_soon += generation->memory();
  const Size most = next.upgrade.memory;
  if (most && drains_soon > most.bytes())
    return fmt::format("old generations would take {} while they drain, upgrade.memory allows {}",
                       mebibytes(drains_soon), mebibytes(most.bytes()));
  return lacks(need, memory_left(), descriptors_left());
}

void Upgrader::cut(Generation& oldest, const std::string& why) {
  context_.log.warn("generation cut", {{"generation", oldest.number()}, {"why", why}});
  oldest.drain(restart::DrainOrder(context_.loop.now(), restart::DrainBudgets::all(Millis(1))));
}

Task<bool> Upgrader::make_room(UpgradeRecord& record, const ipc::Settings& next) {
  constexpr Millis kGone = restart::DrainOrder::kGrace + Millis(2000);
  Generations& generations = context_.generations;
  const ipc::UpgradeSettings& settings = next.upgrade;
  const bool refuse = settings.at_limit == ipc::AtLimit::kRefuse;
  if (generations.draining() >= settings.draining) {
    Generation* const oldest = generations.oldest_draining();
    if (refuse) {
      fail(record, Outcome::kTooMany,
           fmt::format("{} old generations are still draining, the oldest is {} (upgrade.draining, upgrade.at_limit)",
                       generations.draining(), oldest->number()));
      co_return false;
    }
    cut(*oldest, "upgrade.draining");
  }
  for (;;) {
    const std::optional<std::string> why = lacks_room(next);
    if (!why) co_return true;
    Generation* const oldest = refuse ? nullptr : generations.oldest_draining();
    if (oldest == nullptr) {
      fail(record, Outcome::kNoRoom, *why);
      co_return false;
    }
    cut(*oldest, *why);
    const std::uint64_t number = oldest->number();
    const Deadline deadline = context_.loop.in(kGone);
    while (generations.oldest_draining() != nullptr && generations.oldest_draining()->number() == number) {
      const Wake wake = co_await news_.wait(context_.loop, deadline);
      news_.clear();
      if (record.outcome()) co_return false;  // told to leave
      if (wake == Wake::kTimeout) {
        fail(record, Outcome::kNoRoom, *why);
        co_return false;
      }
    }
  }
}

Task<bool> Upgrader::wait_until_ready(UpgradeRecord& record, Generation& next) {
  const Workforce& workers = next.workforce();
  while (!workers.all_ready()) {
    co_await news_.wait(context_.loop, Deadline::never());
    news_.clear();
    if (record.outcome()) co_return false;  // told to leave
    const Worker* const failed = first_crashed(workers);
    if (failed == nullptr) continue;
    record.last_words = failed->last_words();
    fail(record, outcome_of(failed->trouble()), end_of(*failed));
    co_return false;
  }
  co_return true;
}

Task<bool> Upgrader::probation(UpgradeRecord& record, Generation& next, Generation& old) {
  const ipc::UpgradeSettings& settings = next.configuration().settings.upgrade;
  move(record, Phase::kProbation,
       fmt::format("generation {} stays warm for {}", old.number(), text_of(settings.probation)));
  const Deadline end(context_.loop.now() + settings.probation);
  while (settings.probation.count() > 0) {
    const Wake wake = co_await news_.wait(context_.loop, end);
    news_.clear();
    if (leaving_) co_return true;
    if (next.workforce().crashes() >= settings.probation_crashes) {
      const Worker* const failed = first_crashed(next.workforce());
      SLUICE_CHECK(failed != nullptr, "crashes that no worker has had");
      const std::string why = fmt::format("{} crashes, {}", next.workforce().crashes(), end_of(*failed));
      record.last_words = failed->last_words();
      move(record, Phase::kFlipBack, why);
      fault_point(FaultPoint::kFlipBackBefore);
      if (const Result<> accepting = old.accept(); !accepting)
        context_.log.error("generation does not listen",
                           {{"generation", old.number()}, {"why", accepting.error().message()}});
      next.pause(old);
      fault_point(FaultPoint::kFlipBackAfter);
      context_.generations.set_serving(old);
      context_.log.error("generation serves again",
                         {{"generation", old.number()}, {"instead_of", next.number()}, {"why", why}});
      decide(record, Outcome::kRolledBack, why);
      co_return false;
    }
    if (wake == Wake::kTimeout) break;
  }
  fault_point(FaultPoint::kProbationOver);
  decide(record, Outcome::kDone, "");
  co_return true;
}

Task<> Upgrader::retire(UpgradeRecord& record, Generation& leaving) {
  const Generation& serving = context_.generations.serving();
  const restart::DrainBudgets budgets = budgets_of(serving.configuration().settings.upgrade.drain);
  record.leaving = leaving.number();
  move(record, Phase::kDrain,
       fmt::format("generation {} drains, for at most {}", leaving.number(), text_of(budgets.longest())));
  if (leaving.refuse_new(serving)) co_await context_.loop.sleep(kHandshakes);
  fault_point(FaultPoint::kDrainBefore);
  if (!leaving_) {
    hand_over(leaving);
    leaving.drain(restart::DrainOrder(context_.loop.now(), budgets));
    leaving.close_addresses(serving);
  }
  fault_point(FaultPoint::kDrainAfter);
}

// What older generations still drain goes on in the newest too: the one they knew may be leaving itself.
void Upgrader::hand_over(const Generation& leaving) {
  const Generation& serving = context_.generations.serving();
  const ipc::HandoverSettings& settings = serving.configuration().settings.upgrade.handover;
  if (!settings.enabled) return;
  for (const std::unique_ptr<Generation>& one : context_.generations.all())
    if (one.get() == &leaving || (one->draining() && one.get() != &serving))
      one->hand_over(serving, {.idle = settings.idle, .tunnels = settings.tunnels});
}

void Upgrader::refused(UpgradeRecord& record, Refusal refusal) {
  for (const settings::Problem& problem : refusal.problems.all())
    context_.log.error("configuration problem", {{"problem", problem.line()}});
  record.problems = std::move(refusal.problems);
  record.last_words = std::move(refusal.last_words);
  fail(record, refusal.outcome, refusal.why);
}

void Upgrader::fail(UpgradeRecord& record, Outcome outcome, const std::string& why) {
  decide(record, outcome, why);
  move(record, Phase::kFailed, why);
}

void Upgrader::decide(UpgradeRecord& record, Outcome outcome, const std::string& why) {
  record.decide(outcome, why);
  context_.generations.metrics().upgrade(restart::name(outcome));
  context_.log.say(restart::facts(outcome).exit_code == 0 ? LogLevel::kInfo : LogLevel::kError, "upgrade decided",
                   {{"upgrade", record.number()},
                    {"outcome", restart::name(outcome)},
                    {"why", why},
                    {"last_words", fmt::format("{}", fmt::join(record.last_words, "\n"))}});
}

void Upgrader::move(UpgradeRecord& record, Phase next, const std::string& text) {
  context_.log.info("upgrade phase", {{"upgrade", record.number()}, {"phase", restart::name(next)}, {"what", text}});
  record.move_to(next, text);
}

void Upgrader::buried(const Generation& generation) {
  const auto found = std::ranges::find_if(records_, [&](const auto& record) {
    return record->phase() == Phase::kDrain && record->leaving == generation.number();
  });
  if (found == records_.end()) return;
  const std::shared_ptr<UpgradeRecord> record = *found;
  record->ledger = generation.workforce().ledger();
  for (const ipc::Work work : restart::kAllWork) {
    const restart::LedgerRow& row = record->ledger.of(work);
    const auto count = [&](std::string_view fate, std::uint64_t number) {
      if (number > 0) context_.generations.metrics().switched(restart::name(work), fate, number);
    };
    count("finished", row.finished);
    count("handed_over", row.handed_over);
    count("retry", row.retry);
    count("cut", row.cut);
    count("crashed", row.crashed);
    if (row.unexplained() != 0) count("unexplained", static_cast<std::uint64_t>(std::abs(row.unexplained())));
  }
  context_.log.say(record->ledger.balances() ? LogLevel::kInfo : LogLevel::kError, "upgrade ledger",
                   {{"upgrade", record->number()},
                    {"generation", generation.number()},
                    {"connections", ledger_text(record->ledger.of(ipc::Work::kConnection))},
                    {"requests", ledger_text(record->ledger.of(ipc::Work::kRequest))},
                    {"tunnels", ledger_text(record->ledger.of(ipc::Work::kTunnel))},
                    {"flows", ledger_text(record->ledger.of(ipc::Work::kFlow))}});
  move(*record, Phase::kEnded, fmt::format("generation {} is gone", generation.number()));
}

void Upgrader::leave() {
  if (leaving_) return;
  leaving_ = true;
  if (pending_ != nullptr) fail(*std::exchange(pending_, nullptr), Outcome::kStopping, "Sluice is leaving");
  if (running_ != nullptr && !running_->outcome()) {
    if (running_->phase() == Phase::kProbation) {
      decide(*running_, Outcome::kDone, "Sluice is leaving");
      running_->leaving = running_->from;
      move(*running_, Phase::kDrain, "Sluice is leaving");
    } else {
      fail(*running_, Outcome::kStopping, "Sluice is leaving");
    }
  }
  news_.set();
}

}  // namespace sluice::supervisor
