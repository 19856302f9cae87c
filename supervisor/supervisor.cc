// See supervisor.h.
#include "supervisor/supervisor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "base/settings/units.h"
#include "base/version.h"
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

Supervisor::Supervisor(Loop& loop, Log& log, LogSink& sink, Configuration configuration,
                       std::string application_override, std::vector<Protection> own)
    : loop_(loop),
      log_(log),
      sink_(sink),
      configuration_(std::move(configuration)),
      application_override_(std::move(application_override)),
      protections_(std::move(own)),
      started_(steady_now()) {}

Result<> Supervisor::prepare() {
  raise_descriptor_limit();
  // a write to a pipe or socket whose reader has gone is an error to look at, not a death
  (void)::signal(SIGPIPE, SIG_IGN);
  Result<std::unique_ptr<OsSignals>> signals = OsSignals::open(loop_, {SIGTERM, SIGINT, SIGHUP, SIGCHLD});
  if (!signals) return fail(std::move(signals).error());
  signals_ = *std::move(signals);
  if (Result<> made = make_tenants(); !made) return made;
  const ipc::RestartSettings& policy = configuration_.settings.restart_policy;
  workforce_ = std::make_unique<Workforce>(loop_, log_, sink_, tenants_,
                                           Workforce::Options{.backoff = {.first = policy.backoff_min,
                                                                          .most = policy.backoff_max,
                                                                          .crashes = policy.crash_loop_count,
                                                                          .window = policy.crash_loop_window},
                                                              .ready_timeout = policy.ready_timeout});
  Result<std::unique_ptr<OwnMetrics>> metrics = OwnMetrics::make();
  if (!metrics) return fail(std::move(metrics).error());
  metrics_ = *std::move(metrics);
  workforce_->set_own_slab(metrics_->slab());
  publish_facts();
  return open_control();
}

Result<> Supervisor::make_tenants() {
  for (const ipc::TenantSettings& settings : configuration_.settings.tenants) {
    Result<std::unique_ptr<Tenant>> tenant = make_tenant(settings, configuration_.application, private_ids_, cgroups_);
    if (!tenant) return fail(std::move(tenant).error());
    tenants_.push_back(*std::move(tenant));
  }
  if (!configuration_.settings.admin.enabled) return {};
  const std::string path = beside_us("sluice-admin");
  Result<Fd> binary = open_binary(path);
  if (!binary) return fail(std::move(binary).error().during("the admin process (admin.enabled)"));
  admin_ = Application{.path = path, .binary = *std::move(binary), .about = {}};
  Result<std::unique_ptr<Tenant>> tenant =
      make_tenant(admin_tenant(configuration_.settings.admin), *admin_, private_ids_, cgroups_);
  if (!tenant) return fail(std::move(tenant).error());
  tenants_.push_back(*std::move(tenant));
  return {};
}

Result<> Supervisor::open_control() {
  Result<std::unique_ptr<Control>> control = Control::open(loop_, log_, *this, configuration_.settings.control);
  if (!control) return fail(std::move(control).error());
  control_ = *std::move(control);
  return {};
}

Task<int> Supervisor::serve() {
  scope_.spawn([this] { return watch_signals(); });
  scope_.spawn([this] { return tick(); });
  scope_.spawn([this] { return control_->run(); });
  log_.info("starting", {{"version", version()},
                         {"pid", ::getpid()},
                         {"config", configuration_.file},
                         {"application", configuration_.application.about.name},
                         {"application_version", configuration_.application.about.version}});
  workforce_->start();
  const bool started = co_await start_workers();
  if (started) {
    while (leave_ == Leave::kNo) {
      co_await workforce_->changed().wait(loop_, Deadline::never());
      workforce_->changed().clear();
      publish_facts();
      reap_strangers();
    }
  } else {
    leave_ = Leave::kNow;
  }
  co_await depart();
  scope_.cancel();
  control_.reset();
  log_.info("stopped", {{"workers_killed", workforce_->stragglers()}});
  co_return started ? 0 : 1;
}

// Until all are ready, or one proves that it cannot start. Being told to leave meanwhile is no failure.
Task<bool> Supervisor::start_workers() {
  while (leave_ == Leave::kNo && !workforce_->all_ready()) {
    co_await workforce_->changed().wait(loop_, Deadline::never());
    workforce_->changed().clear();
    publish_facts();
    if (const Worker* failed = workforce_->never_started(); failed != nullptr && leave_ == Leave::kNo) {
      say_start_failed(*failed);
      co_return false;
    }
  }
  if (leave_ != Leave::kNo) co_return true;
  ready_ = true;
  const auto took = std::chrono::floor<Millis>(uptime());
  log_.info("ready", {{"workers", workforce_->workers().size()}, {"milliseconds", took.count()}});
  notify_service_manager(fmt::format("READY=1\nMAINPID={}\nSTATUS=serving", ::getpid()));
  co_return true;
}

void Supervisor::say_start_failed(const Worker& worker) {
  log_.error("start failed", {{"tenant", worker.tenant().settings.name},
                              {"worker", worker.index()},
                              {"why", worker.last_exit()},
                              {"last_words", fmt::format("{}", fmt::join(worker.last_words(), "\n"))}});
}

// Tenants first, so that metrics and readiness can be read to the end.
Task<> Supervisor::depart() {
  notify_service_manager("STOPPING=1");
  publish_facts();
  if (leave_ == Leave::kDrain) {
    const restart::DrainBudget budget(loop_.now(), budget_.value_or(configuration_.settings.shutdown.drain));
    workforce_->drain(budget);
    for (const std::unique_ptr<Tenant>& tenant : tenants_)
      if (!tenant->built_in()) tenant->close_listeners();
    while (leave_ == Leave::kDrain && !workforce_->tenants_stopped()) {
      co_await workforce_->changed().wait(loop_, Deadline::never());
      workforce_->changed().clear();
      publish_facts();
    }
  }
  workforce_->stop();
  while (!workforce_->all_stopped()) {
    co_await workforce_->changed().wait(loop_, Deadline::never());
    workforce_->changed().clear();
  }
}

void Supervisor::leave(Leave how, std::optional<Millis> budget, std::string_view why) {
  if (leave_ == Leave::kNow || (leave_ == Leave::kDrain && how == Leave::kDrain)) return;
  leave_ = how;
  budget_ = budget;
  const Millis drain = how == Leave::kDrain ? budget.value_or(configuration_.settings.shutdown.drain) : Millis(0);
  log_.info("stopping", {{"how", how == Leave::kDrain ? "drain" : "now"}, {"budget", text_of(drain)}, {"why", why}});
  workforce_->changed().set();
}

void Supervisor::set_log_level(LogLevel level) {
  log_.set_level(level);
  workforce_->set_log_level(level);
}

void Supervisor::reload() {
  if (Result<> opened = sink_.reopen(); !opened) log_.error("log not reopened", {{"why", opened.error().message()}});
  const auto loaded = load_configuration(configuration_.file, application_override_);
  if (!loaded) {
    for (const settings::Problem& problem : loaded.error().all())
      log_.error("configuration problem", {{"problem", problem.line()}});
    log_.error("configuration not reloaded",
               {{"why", "it has problems; what runs goes on"}, {"problems", loaded.error().size()}});
    return;
  }
  const std::vector<std::string> changes = ipc::differences(configuration_.settings, loaded->settings);
  if (changes.empty()) {
    log_.info("configuration unchanged", {{"config", configuration_.file}});
    return;
  }
  log_.warn("configuration not reloaded",
            {{"why", "it is valid, but a running configuration cannot be replaced yet; restart to use it"},
             {"changes", fmt::format("{}", fmt::join(changes, ", "))}});
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
  if (::getpid() != 1) return;
  const int reaped = reap_orphans([this](pid_t pid) {
    for (const std::unique_ptr<Worker>& worker : workforce_->workers())
      if (worker->pid() == pid) return true;
    return false;
  });
  if (reaped > 0) log_.debug("orphans reaped", {{"processes", reaped}});
}

Task<> Supervisor::tick() {
  constexpr Millis kEvery{1000};
  for (;;) {
    co_await loop_.sleep(kEvery);
    log_.flush();
    (void)sink_.finish();
    if (const std::uint64_t lost = sink_.lost(); lost != sink_lost_said_) {
      log_.warn("log lost", {{"lines", lost - sink_lost_said_}, {"whose", "workers"}});
      sink_lost_said_ = lost;
    }
  }
}

void Supervisor::publish_facts() {
  std::vector<SlotFacts> slots;
  for (const std::unique_ptr<Worker>& worker : workforce_->workers())
    slots.push_back({.tenant = worker->tenant().settings.name,
                     .worker = worker->index(),
                     .ready = worker->ready(),
                     .crashes = worker->crashes(),
                     .lost_connections = worker->lost_connections()});
  metrics_->update(slots);
  if (leaving()) metrics_->leaving();
}

}  // namespace sluice::supervisor
