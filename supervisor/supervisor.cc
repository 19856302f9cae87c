// See supervisor.h.
#include "supervisor/supervisor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/fd_events.h"
#include "base/settings/units.h"
#include "base/version.h"
#include "supervisor/child_run.h"
#include "supervisor/notify.h"
#include "supervisor/orphans.h"

namespace sluice::supervisor {
namespace {

// Listening sockets, pipes and slabs of many workers: as many descriptors as we may have.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Supervisor::Supervisor(Loop& loop, Log& log, LogSink& sink, Origins origins)
    : loop_(loop), log_(log), sink_(sink), origins_(std::move(origins)), started_(steady_now()) {}

Result<> Supervisor::prepare_process() {
  raise_descriptor_limit();
  // a write to a pipe or socket whose reader has gone is an error to look at, not a death
  (void)::signal(SIGPIPE, SIG_IGN);
  Result<std::unique_ptr<OsSignals>> signals = OsSignals::open(loop_, {SIGTERM, SIGINT, SIGHUP, SIGCHLD});
  if (!signals) return fail(std::move(signals).error());
  signals_ = *std::move(signals);
  return {};
}

Upgrader::Context Supervisor::upgrader_context() {
  return {.loop = loop_,
          .log = log_,
          .generations = *generations_,
          .application_override = origins_.application_override,
          .program = origins_.program,
          .state = [this] { return save(); },
          .become = [this](const Fd& program, const std::string& checked) { return become(program, checked); },
          .applied =
              [this](const ipc::Settings& before) {
                const ipc::LogLevel level = configuration().settings.log.level;
                if (level != before.log.level) set_log_level(level_of(level));
              }};
}

// From a supervisor that has died: its listening sockets, its workers, its counters.
Result<> Supervisor::inherit(const std::string& control_path) {
  roster_ = std::make_unique<Roster>(control_path);
  FdStore::Taken stored = store_.take();
  Roster::Left left = roster_->left();
  orphans_ = std::move(left.orphans);
  Estate estate = collect(std::move(stored.estate), left.estate, orphans_);
  if (Result<> forbidden = origins_.forbid_reaching_into_others(); !forbidden) return forbidden;
  Result<std::unique_ptr<Generations>> generations = Generations::make(loop_, log_, sink_, std::move(estate.own_slab));
  if (!generations) return fail(std::move(generations).error());
  generations_ = *std::move(generations);
  if (!stored.addresses.empty()) {
    log_.warn("listening sockets inherited", {{"addresses", stored.addresses.size()}});
    if (Result<> inherited = generations_->inherit(stored.addresses); !inherited) return inherited;
  }
  if (!orphans_.empty()) {
    log_.warn("orphans found", {{"processes", orphans_.size()}});
    generations_->expect_orphans();
  }
  if (estate.last_generation == 0) return {};
  using Writers = SlabPool::Writers;
  const std::size_t slabs = generations_->inherit(estate, orphans_.empty() ? Writers::kGone : Writers::kMayLive);
  log_.warn("counters inherited", {{"slots", slabs}, {"missing", estate.missing}, {"why", estate.why}});
  return {};
}

Result<> Supervisor::prepare(Configuration configuration) {
  if (Result<> prepared = prepare_process(); !prepared) return prepared;
  if (Result<> inherited = inherit(control_path(configuration.settings.control)); !inherited) return inherited;
  Result<Generation*> first = generations_->add(std::move(configuration));
  if (!first) return fail(std::move(first).error());
  generations_->set_serving(**first);
  // connections may wait in the queue from now on; where workers of a dead supervisor serve, when ours can
  if (orphans_.empty())
    if (Result<> listening = (*first)->accept(); !listening) return listening;
  upgrader_ = std::make_unique<Upgrader>(upgrader_context());
  Result<std::unique_ptr<Control>> control =
      Control::open(loop_, log_, *this, (*first)->configuration().settings.control);
  if (!control) return fail(std::move(control).error());
  control_ = *std::move(control);
  return {};
}

Task<int> Supervisor::serve() {
  scope_.spawn([this] { return watch_signals(); });
  scope_.spawn([this] { return tick(); });
  scope_.spawn([this] { return control_->run(); });
  scope_.spawn([this] { return watch_orphans(); });
  bool started = true;
  if (begin_ == Begin::kStart) {
    log_.info("starting", {{"version", version()},
                           {"pid", ::getpid()},
                           {"config", configuration().file},
                           {"application", configuration().application.about.name},
                           {"application_version", configuration().application.about.version}});
    generations_->serving().start();
    started = co_await start_workers();
  } else {
    log_.info("taken over", {{"version", version()}, {"pid", ::getpid()}, {"generations", generations_->all().size()}});
    for (const std::unique_ptr<Generation>& generation : generations_->all()) generation->start();
    ready_ = true;
    if (!orphans_.empty()) scope_.spawn([this] { return end_orphans(); });  // counted anew
  }
  if (started) {
    scope_.spawn([this] { return upgrader_->run(); });  // whoever asked before waits until here
    while (leave_ == Leave::kNo) {
      co_await wait_for_change();
    }
  } else {
    leave_ = Leave::kNow;
  }
  co_await depart();
  std::uint64_t killed = 0;
  for (const std::unique_ptr<Generation>& generation : generations_->all())
    killed += generation->workforce().stragglers();
  scope_.cancel();
  control_.reset();
  roster_.reset();
  log_.info("stopped", {{"workers_killed", killed}});
  co_return started ? 0 : 1;
}

Task<> Supervisor::wait_for_change() {
  co_await generations_->changed().wait(loop_, Deadline::never());
  generations_->changed().clear();
  upgrader_->changed();
  generations_->bury([this](const Generation& generation) { upgrader_->buried(generation); });
  generations_->publish_facts();
  update_roster();
  update_store();
  reap_strangers();
}

void Supervisor::update_store() {
  const std::tuple now(generations_->estate_version(), generations_->all().size(), generations_->next_socket());
  // on leaving all stays as it is: who starts after a restart finds every queue and every UNIX socket's file
  if (!ready_ || leave_ != Leave::kNo || now == stored_) return;
  const Result<> kept = store_.keep(generations_->addresses(), generations_->estate());
  if (kept) {
    stored_ = now;
    store_failed_ = false;
  } else if (!std::exchange(store_failed_, true)) {
    log_.warn("descriptors not stored", {{"why", kept.error().message()}});
  }
}

// Until the last has ended; then nobody writes any more to what they had.
Task<> Supervisor::watch_orphans() {
  const auto lives = [](const Orphan& orphan) {
    pollfd waiting{.fd = orphan.process.get(), .events = POLLIN, .revents = 0};
    return ::poll(&waiting, 1, 0) == 0;
  };
  for (const Orphan& orphan : orphans_) {
    FdEvents end(loop_, orphan.process.get());
    while (lives(orphan)) {
      end.readable.clear();
      co_await end.readable.wait(loop_, Deadline::never());
    }
  }
  if (orphans_.empty()) co_return;
  orphans_.clear();
  roster_->forget_orphans();
  generations_->writers_ended();
  log_.info("orphans gone", {});
  update_roster();
}

// They share the addresses with us: one that hangs would leave its part of the clients waiting for ever.
Task<> Supervisor::end_orphans() {
  const ipc::UpgradeDrainSettings& drain = configuration().settings.upgrade.drain;
  const Millis longest = std::max({drain.idle, drain.request, drain.upload, drain.tunnel, drain.flow});
  co_await loop_.sleep(longest + restart::DrainOrder::kGrace);
  for (const Orphan& orphan : orphans_) {
    pollfd end{.fd = orphan.process.get(), .events = POLLIN, .revents = 0};
    if (::poll(&end, 1, 0) != 0) continue;
    log_.warn("orphan killed", {{"pid", orphan.pid}, {"why", "still there after the time to drain"}});
    kill_orphan(orphan.process);
  }
}

void Supervisor::update_roster() {
  const std::pair is(generations_->estate_version(), generations_->holders());
  if (estate_is_ != is || estate_text_.empty()) {
    estate_is_ = is;
    estate_text_ = restart::write_estate(generations_->estate());
  }
  const Result<> updated = roster_->update(generations_->pids(), estate_text_);
  if (!updated && !std::exchange(roster_failed_, true))
    log_.warn("roster not written", {{"why", updated.error().message()}});
}

// Until all are ready, or one proves that it cannot start. Being told to leave meanwhile is no failure.
Task<bool> Supervisor::start_workers() {
  const Workforce& workers = serving().workforce();
  while (leave_ == Leave::kNo && !workers.all_ready()) {
    co_await wait_for_change();
    if (const Worker* failed = workers.never_started(); failed != nullptr && leave_ == Leave::kNo) {
      say_start_failed(*failed);
      co_return false;
    }
  }
  if (leave_ != Leave::kNo) co_return true;
  if (!orphans_.empty())
    if (Result<> listening = generations_->serving().accept(); !listening) {
      log_.error("start failed", {{"why", listening.error().message()}});
      co_return false;
    }
  ready_ = true;
  const auto took = std::chrono::floor<Millis>(uptime());
  for (const Orphan& orphan : orphans_) tell_to_drain(orphan.process);
  if (!orphans_.empty()) scope_.spawn([this] { return end_orphans(); });
  generations_->forget_orphans();
  update_store();
  log_.info("ready", {{"workers", workers.workers().size()}, {"milliseconds", took.count()}});
  notify_service_manager(fmt::format("READY=1\nMAINPID={}\nSTATUS=serving", ::getpid()));
  co_return true;
}

void Supervisor::say_start_failed(const Worker& worker) {
  log_.error("start failed", {{"tenant", worker.tenant().settings.name},
                              {"worker", worker.index()},
                              {"why", worker.last_exit()},
                              {"last_words", fmt::format("{}", fmt::join(worker.last_words(), "\n"))}});
}

// Tenants of all generations first, so that metrics and readiness can be read to the end.
Task<> Supervisor::depart() {
  using Who = Workforce::Who;
  const auto all_of = [this](auto holds) { return std::ranges::all_of(generations_->all(), holds); };
  notify_service_manager("STOPPING=1");
  if (ready_ && has_service_manager()) generations_->leave_files();
  generations_->metrics().leaving();
  if (leave_ == Leave::kDrain) {
    const restart::DrainOrder order(loop_.now(), stop_budgets());
    for (const std::unique_ptr<Generation>& generation : generations_->all()) {
      const bool serves = generation.get() == &generations_->serving();
      generation->workforce().drain(order, serves ? Who::kTenants : Who::kAll);
      for (const std::unique_ptr<Tenant>& tenant : generation->tenants())
        if (!tenant->built_in()) tenant->close_listeners();
    }
    while (leave_ == Leave::kDrain &&
           !all_of([](const auto& generation) { return generation->workforce().tenants_stopped(); }))
      co_await wait_for_change();
  }
  for (const std::unique_ptr<Generation>& generation : generations_->all()) generation->stop();
  while (!all_of([](const auto& generation) { return generation->gone(); })) co_await wait_for_change();
}

restart::DrainBudgets Supervisor::stop_budgets() const {
  const ipc::ShutdownSettings& settings = configuration().settings.shutdown;
  const Millis most = budget_.value_or(settings.drain);
  const auto budget = [&](Millis own) { return own.count() == 0 ? most : std::min(own, most); };
  return {.idle = budget(settings.idle),
          .request = budget(settings.request),
          .upload = budget(settings.upload),
          .tunnel = budget(settings.tunnel),
          .flow = budget(settings.flow)};
}

void Supervisor::leave(Leave how, std::optional<Millis> budget, std::string_view why) {
  if (leave_ == Leave::kNow || (leave_ == Leave::kDrain && how == Leave::kDrain)) return;
  leave_ = how;
  budget_ = budget;
  const Millis drain = how == Leave::kDrain ? budget.value_or(configuration().settings.shutdown.drain) : Millis(0);
  log_.info("stopping", {{"how", how == Leave::kDrain ? "drain" : "now"}, {"budget", text_of(drain)}, {"why", why}});
  upgrader_->leave();
  generations_->changed().set();
}

void Supervisor::set_log_level(LogLevel level) {
  log_.set_level(level);
  generations_->set_log_level(level);
}

void Supervisor::reload() {
  if (Result<> opened = sink_.reopen(); !opened) log_.error("log not reopened", {{"why", opened.error().message()}});
  (void)upgrader_->ask("SIGHUP", UpgradeRecord::Force::kNo);
}

Task<> Supervisor::watch_signals() {
  for (;;) {
    co_await signals_->arrived().wait(loop_, Deadline::never());
    while (const std::optional<OsSignal> signal = signals_->take()) take_signal(*signal);
  }
}

void Supervisor::take_signal(const OsSignal& signal) {
  switch (signal.number) {
    case SIGTERM:
      leave(Leave::kDrain, std::nullopt, "SIGTERM");
      return;
    case SIGINT:
      leave(Leave::kNow, std::nullopt, "SIGINT");
      return;
    case SIGHUP:
      reload();
      return;
    case SIGCHLD:
      reap_strangers();
      return;
    default:
      return;
  }
}

void Supervisor::reap_strangers() {
  // as process 1 everybody's orphans are ours; after an exec so is what the program before left behind
  if (::getpid() != 1 && begin_ == Begin::kStart) return;
  const int reaped = reap_orphans([this](pid_t pid) { return generations_->has(pid) || is_child_beside(pid); });
  if (reaped > 0) log_.debug("orphans reaped", {{"processes", reaped}});
}

Task<> Supervisor::tick() {
  const std::optional<Millis> watchdog = watchdog_interval();
  const Millis every = std::min(Millis(1000), watchdog.value_or(Millis(1000)));
  for (;;) {
    if (watchdog) notify_service_manager("WATCHDOG=1");
    co_await loop_.sleep(every);
    if (store_failed_) update_store();
    log_.flush();
    (void)sink_.finish();
    generations_->rotate_tickets();
    if (const std::uint64_t lost = sink_.lost(); lost != sink_lost_said_) {
      log_.warn("log lost", {{"lines", lost - sink_lost_said_}, {"whose", "workers"}});
      sink_lost_said_ = lost;
    }
  }
}

}  // namespace sluice::supervisor
