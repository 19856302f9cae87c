// See worker.h. Owns one of everything a worker has; the order of the members is the order of dependence.
#include "worker/worker.h"

#include <algorithm>
#include <csignal>
#include <ctime>

#include "base/frames.h"
#include "base/memory.h"
#include "base/os_signals.h"
#include "base/scope.h"
#include "ipc/connection_table.h"
#include "ipc/metrics.h"
#include "ipc/settings/settings.h"
#include "ipc/slab.h"
#include "restart/drain.h"
#include "restart/fault_point.h"
#include "restart/parent_state.h"
#include "worker/boot.h"
#include "worker/flow/call_hook.h"
#include "worker/handover/handover.h"
#include "worker/limits/limits.h"
#include "worker/offramp/egress_policy.h"
#include "worker/offramp/from_settings.h"
#include "worker/offramp/origin_pool.h"
#include "worker/offramp/resolver.h"
#include "worker/offramp/upstream_report.h"
#include "worker/onramp/acceptor.h"
#include "worker/onramp/udp/datagrams.h"
#include "worker/policy.h"
#include "worker/reconfigure.h"
#include "worker/services.h"
#include "worker/telemetry/access_log.h"
#include "worker/telemetry/metrics.h"
#include "worker/telemetry/sampler.h"

namespace sluice::worker {
namespace {

using restart::FaultPoint;

constexpr int kFailed = 1;

// Ids stay with connections that are handed over, so those of different workers and generations must not meet: 13 bits
// of generation, 8 of worker, 32 that count; together what a number in JSON can carry.
std::uint64_t first_id(const ipc::Configure& who) {
  const std::uint64_t generation = who.generation == 0 ? 0 : (who.generation - 1) & 0x1fffU;
  return generation << 40U | std::uint64_t{who.worker_index & 0xffU} << 32U;
}

// Everything in the settings has been checked when the configuration was read.
template <class T>
T checked(Result<T> result) {
  SLUICE_CHECK(result.has_value(), "a setting that the configuration's checks let through does not parse");
  return *std::move(result);
}

class Worker {
 public:
  Worker(Booted& booted, ipc::Slab& slab, std::unique_ptr<Resolver>& resolver, OsSignals& signals, Loop& loop,
         std::shared_ptr<const TlsTrust> trust)
      : booted_(booted),
        trust_(std::move(trust)),
        loop_(loop),
        signals_(signals),
        writer_(slab),
        table_(slab),
        metrics_(writer_, names_),
        pool_(loop, booted.log, metrics_, booted.settings.forward),
        policy_(checked(make_policy(std::make_shared<const ipc::TenantSettings>(booted.settings),
                                    {.pool = pool_, .names = names_, .trust = trust_.get()}))),
        access_log_(booted.log_output, booted.settings.access_log, names_),
        sampler_(metrics_, booted.log, access_log_),
        resolver_(resolver),
        limits_(booted.settings.limits, checked(Limits::source_limits(booted.settings.limits.source))),
        egress_(checked(egress_rules(booted.settings.egress))),
        signer_(loop),
        report_(loop, slab),
        handover_(loop),
        services_{.loop = loop_,
                  .log = booted.log,
                  .settings = booted.settings,
                  .policy = policy_,
                  .hooks = hooks_,
                  .resolver = *resolver_,
                  .egress_policy = egress_,
                  .limits = limits_,
                  .signer = signer_,
                  .tickets = tickets_,
                  .pool = pool_,
                  .access_log = access_log_,
                  .metrics = metrics_,
                  .table = table_,
                  .handover = handover_,
                  .shed = shed_,
                  .draining = draining_},
        acceptor_(services_),
        datagrams_(services_, writer_,
                   {.generation = booted.configure.generation, .worker = booted.configure.worker_index}) {
    table_.start_ids_above(first_id(booted.configure));
    resolver_->count_in(metrics_);
    pool_.report_to(report_);
    metrics_.learn(names_);
    pool_.adopt(policy_->upstreams, policy_->settings->upstreams, policy_->tls);
  }
  Worker(Worker&&) = delete;

  /// The application's part. Errors: what it says.
  [[nodiscard]] Result<> start(const Application& application) {
    application_ = &application;
    for (OtherSlab& other : booted_.other_slabs) hand_slab(std::move(other));
    const std::vector<ParentState> parents = read_parents();
    Result<detail::HookSet> hooks = application.start(booted_.settings.settings, parents, booted_.log);
    if (!hooks) return fail(std::move(hooks.error()));
    hooks_ = std::move(*hooks);
    return {};
  }

  [[nodiscard]] int serve() {
    for (Listener& listener : booted_.listeners)
      acceptor_.add(listener.number, std::move(listener.socket), listener.endpoint);
    for (DatagramListener& listener : booted_.datagrams) datagrams_.add(listener.item, std::move(listener.socket));
    for (MailboxBatch& batch : booted_.mailboxes) datagrams_.meet(batch.message, std::move(batch.fds));
    if (booted_.keyholder) signer_.connect(std::move(booted_.keyholder));
    if (booted_.ticket_keys) tickets_.set(*std::move(booted_.ticket_keys));
    booted_.channel.attach(loop_);
    fault_point(FaultPoint::kWorkerReady);
    if (Result<> said = booted_.channel.post(ipc::Ready{}); !said) return kFailed;
    background_.spawn([this] { return obey(); });
    background_.spawn([this] { return watch_signals(); });
    background_.spawn([this] { return pool_.run(*resolver_); });
    background_.spawn([this] { return acceptor_.watch_memory(); });
    if (datagrams_.any()) background_.spawn([this] { return datagrams_.run(); });
    background_.spawn([this] { return access_log_.run(loop_); });
    background_.spawn([this] { return sampler_.run(loop_); });
    loop_.run();
    return status_;
  }

 private:
  void hand_slab(OtherSlab other) {
    if (!application_->slabs) return;
    std::vector<Fd> fds;
    fds.push_back(std::move(other.memory));
    application_->slabs(
        ipc::Slabs{{{.tenant = std::move(other.tenant), .worker_index = other.worker_index, .number = other.number}}},
        std::move(fds));
  }

  // Without them the application begins as if there had been nobody before.
  std::vector<ParentState> read_parents() {
    std::vector<ParentState> parents;
    for (ParentNote& note : booted_.parents) {
      Result<std::string> bytes = restart::read_parent_state(note.file);
      if (bytes) {
        parents.push_back({.version = std::move(note.version), .bytes = *std::move(bytes)});
      } else {
        booted_.log.warn("parent state not readable", {{"why", bytes.error().message()}});
      }
    }
    booted_.parents.clear();
    return parents;
  }

  // What the supervisor says, until it says stop or goes.
  Task<> obey() {
    co_await loop_.yield();  // a Stop that has come already must find the loop running: run() forgets earlier ones
    for (;;) {
      Result<ipc::WorkerEnd::Received> received = co_await booted_.channel.receive(Deadline::never());
      if (!received) {
        supervisor_lost(received.error());
        co_return;
      }
      std::visit(
          ipc::On{
              [&](const ipc::Listeners& more) { add_listeners(more, std::move(received->fds)); },
              [&](const ipc::Mailboxes& met) { datagrams_.meet(met, std::move(received->fds)); },
              [&](const ipc::Accept&) { accept(); }, [&](const ipc::Pause& pause) { begin_pause(pause); },
              [&](const ipc::Drain& drain) { begin_drain(drain); },
              [&](const ipc::HandOver& order) { hand_over(order, std::move(received->fds.front())); },
              [&](const ipc::TakeOver&) { take_over(std::move(received->fds.front())); },
              [&](const ipc::Keyholder&) { signer_.connect(std::move(received->fds.front())); },
              [&](ipc::TicketKeys& keys) { tickets_.set(std::move(keys)); }, [&](const ipc::Stop&) { stop(); },
              [&](const ipc::Reconfigure& wanted) { begin_prepare(wanted.number, std::move(received->fds.front())); },
              [&](const ipc::Adopt& wanted) { adopt(wanted.number); },
              [&](const ipc::SaveState& wanted) { save_state(wanted.number, received->fds.front()); },
              [&](const ipc::SetLogLevel& set) { booted_.log.set_level(set.level); },
              [&](const ipc::Slabs& slabs) {
                if (application_->slabs) application_->slabs(slabs, std::move(received->fds));
              },
              [](const auto&) {}},
          received->message);
    }
  }

  // Its death is no reason to fail those whom we serve, and the listening sockets are ours too: go on until somebody
  // sends SIGTERM, which the next supervisor does. Who does not accept would wait for nothing, and drains at once.
  void supervisor_lost(const Error& error) {
    booted_.log.error("supervisor lost", {{"error", error.message()}});
    supervised_ = false;
    if (error.code() == Code::kProtocol) {
      leave(kFailed);
    } else if (!accepts_) {
      drain_unasked();
    }
  }

  Task<> watch_signals() {
    for (;;) {
      co_await signals_.arrived().wait(loop_, Deadline::never());
      while (signals_.take()) co_await terminated();
    }
  }

  // Whoever sends it while the supervisor lives and would not hear of it stops nobody: a worker that drained would
  // leave its sockets to nobody. The end of the channel may be on its way at the same time.
  Task<> terminated() {
    constexpr Millis kOnItsWay{200};
    if (supervised_) co_await loop_.sleep(kOnItsWay);
    if (supervised_)
      booted_.log.warn("signal ignored", {{"why", "the supervisor lives: it is the one to ask"}});
    else
      drain_unasked();
  }

  // Nobody has said how long it may take.
  void drain_unasked() {
    if (draining_) return;
    const auto ms = [](Millis budget) { return static_cast<std::uint64_t>(budget.count()); };
    const ipc::UpgradeDrainSettings usual;
    begin_drain({.idle_ms = ms(usual.idle),
                 .request_ms = ms(usual.request),
                 .upload_ms = ms(usual.upload),
                 .tunnel_ms = ms(usual.tunnel),
                 .flow_ms = ms(usual.flow),
                 .spread_percent = static_cast<std::uint16_t>(usual.spread)});
  }

  void add_listeners(const ipc::Listeners& more, std::vector<Fd> fds) {
    for (std::size_t i = 0; i < fds.size(); ++i)
      if (more.items[i].duty != ipc::Duty::kAccept) {
        datagrams_.add(more.items[i], std::move(fds[i]));
      } else if (more.items[i].endpoint_index < policy_->endpoints.size()) {
        acceptor_.add(more.items[i].socket, std::move(fds[i]), more.items[i].endpoint_index);
      }
  }

  void begin_prepare(std::uint64_t number, Fd settings) {
    preparing_.cancel();  // an earlier one, which has been given up
    preparing_.spawn([this, number](Fd file) { return prepare(number, std::move(file)); }, std::move(settings));
  }

  // In steps, between which requests have their turn.
  Task<> prepare(std::uint64_t number, Fd settings) {
    Nanos before = steady_now();
    Result<> prepared = reconfigurer_.begin(number, settings);
    prepare_time_ = longest_step_ = steady_now() - before;
    while (prepared && !reconfigurer_.ready()) {
      co_await loop_.yield();
      before = steady_now();
      prepared = reconfigurer_.next();
      const Nanos took = steady_now() - before;
      prepare_time_ += took;
      longest_step_ = std::max(longest_step_, took);
    }
    ipc::Prepared answer{.number = number, .able = prepared.has_value(), .why = {}};
    if (!prepared) answer.why = prepared.error().message();
    if (!booted_.channel.post(answer)) leave(kFailed);
  }

  void adopt(std::uint64_t number) {
    fault_point(FaultPoint::kWorkerAdopt);
    const Nanos before = steady_now();
    if (reconfigurer_.adopt(number)) {
      const auto micros = [](Nanos time) { return std::chrono::floor<std::chrono::microseconds>(time).count(); };
      booted_.log.info("settings adopted", {{"number", number},
                                            {"prepare_us", micros(prepare_time_)},
                                            {"longest_step_us", micros(longest_step_)},
                                            {"adopt_us", micros(steady_now() - before)}});
    } else {
      booted_.log.error("settings not adopted", {{"number", number}, {"why", "they were not prepared"}});
      leave(kFailed);  // the next process begins with them
    }
  }

  void save_state(std::uint64_t number, const Fd& file) {
    const Result<std::string> bytes = call_save(services_);
    const Result<> saved = bytes ? restart::write_parent_state(file, *bytes) : fail(bytes.error());
    ipc::Prepared answer{.number = number, .able = saved.has_value(), .why = {}};
    if (!saved) answer.why = saved.error().message();
    if (!booted_.channel.post(answer)) leave(kFailed);
  }

  void accept() {
    fault_point(FaultPoint::kWorkerAccept);
    accepts_ = true;
    acceptor_.accept();
    datagrams_.accept();
  }

  void begin_pause(const ipc::Pause& pause) {
    fault_point(FaultPoint::kWorkerPause);
    accepts_ = false;
    std::vector<std::uint32_t> keep;
    for (const ipc::Pause::Kept& kept : pause.keep) keep.push_back(kept.socket);
    booted_.log.info("paused", {{"connections", acceptor_.connections()}, {"flows", datagrams_.flows()}});
    acceptor_.pause(keep);
    datagrams_.pause(pause);
  }

  void begin_drain(const ipc::Drain& drain) {
    order_ = restart::DrainOrder(loop_.now(), {.idle = Millis(drain.idle_ms),
                                               .request = Millis(drain.request_ms),
                                               .upload = Millis(drain.upload_ms),
                                               .tunnel = Millis(drain.tunnel_ms),
                                               .flow = Millis(drain.flow_ms),
                                               .spread_percent = drain.spread_percent});
    if (draining_) return;  // only the budgets are new
    fault_point(FaultPoint::kWorkerDrain);
    draining_ = true;
    booted_.log.info("draining", {{"connections", acceptor_.connections()},
                                  {"flows", datagrams_.flows()},
                                  {"budget_ms", order_.budgets().longest().count()}});
    arrivals_.cancel();  // who offers us something keeps it
    acceptor_.close_listeners();
    background_.spawn([this] { return acceptor_.send_away(); });
    datagrams_.mark_open();
    background_.spawn([this] { return finish_drain(); });
    background_.spawn([this] { return give_back(); });
  }

  void hand_over(const ipc::HandOver& order, Fd channel) {
    handover_.add(order, std::move(channel));
    if (draining_) background_.spawn([this] { return acceptor_.send_away(); });
  }

  void take_over(Fd channel) {
    if (draining_) return;
    arrivals_.spawn([this](Fd end) { return acceptor_.take_over(std::move(end), booted_.configure.generation); },
                    std::move(channel));
  }

  Task<> finish_drain() {
    Scope flows;
    std::size_t flows_cut = 0;
    flows.spawn([this, &flows_cut] { return drain_flows(flows_cut); });
    const std::size_t cut = co_await acceptor_.drain(order_);
    const Wake wake = co_await flows.join(loop_, Deadline::never());
    static_cast<void>(wake);
    booted_.log.info("drained", {{"cut", cut + flows_cut}});
    drained_ = true;
    fault_point(FaultPoint::kWorkerDrained);
    const Result<> said = booted_.channel.post(ipc::Drained{});
    if (!said || !datagrams_.any()) leave(said ? 0 : kFailed);  // otherwise it goes on with Stop
  }
  Task<> drain_flows(std::size_t& cut) { cut = co_await datagrams_.drain(order_); }

  void stop() {
    if (!drained_ || !datagrams_.any()) return leave(0);
    background_.spawn([this] { return look_and_leave(); });
  }
  Task<> look_and_leave() {
    co_await datagrams_.last_look();
    leave(0);
  }

  // What was needed for connections that have left goes back to the system: a worker may drain for hours.
  Task<> give_back() {
    constexpr Millis kEvery(3000);
    for (;;) {
      co_await loop_.until(loop_.in(kEvery));
      give_back_memory();
    }
  }

  void fault_point(restart::FaultPoint at) const { restart::fault_point(at, booted_.configure.generation); }

  void leave(int status) {
    status_ = status;
    loop_.stop();
  }

  Booted& booted_;
  std::shared_ptr<const TlsTrust> trust_;  // of the system
  Loop& loop_;
  OsSignals& signals_;
  const Application* application_ = nullptr;
  ipc::MetricsWriter writer_;
  ipc::ConnectionTable table_;
  TrafficNames names_;
  PathMetrics metrics_;
  OriginPool pool_;
  std::shared_ptr<const Policy> policy_;
  AccessLog access_log_;
  Sampler sampler_;
  std::unique_ptr<Resolver>& resolver_;
  Limits limits_;
  EgressPolicy egress_;
  Signer signer_;
  Tickets tickets_;
  UpstreamReport report_;
  Reconfigurer reconfigurer_{{.first = booted_.settings,
                              .policy = policy_,
                              .names = names_,
                              .pool = pool_,
                              .metrics = metrics_,
                              .access_log = access_log_,
                              .limits = limits_,
                              .trust = trust_.get()}};
  HandOver handover_;
  detail::HookSet hooks_;
  std::function<bool()> shed_ = [this] { return acceptor_.shed(); };
  bool accepts_ = false;
  bool supervised_ = true;
  bool draining_ = false;
  Nanos prepare_time_{0};
  Nanos longest_step_{0};
  bool drained_ = false;
  restart::DrainOrder order_{Nanos(0), {}};
  int status_ = 0;
  Services services_;
  Acceptor acceptor_;
  Datagrams datagrams_;
  Scope preparing_;
  Scope arrivals_;  // what other workers hand over
  Scope background_;
};

// Tells the supervisor why there will be no service.
int give_up(Booted& booted, const Error& error) {
  booted.log.error("start failed", {{"error", error.message()}});
  if (booted.channel.post(ipc::Failed{.why = error.message()}))
    static_cast<void>(booted.channel.flush_blocking(Deadline(steady_now() + Millis(1000))));
  return kFailed;
}

int serve(Booted& booted, const Application& application) {
  Result<ipc::Slab> slab = ipc::Slab::attach(booted.slab.get());
  if (!slab) return give_up(booted, slab.error());
  Loop loop;
  Result<std::unique_ptr<Resolver>> resolver =
      Resolver::make(loop, checked(resolver_options(booted.settings.resolver)));
  if (!resolver) return give_up(booted, resolver.error());
  // the first process of a PID namespace hears only what it asks for
  Result<std::unique_ptr<OsSignals>> signals = OsSignals::open(loop, {SIGTERM});
  if (!signals) return give_up(booted, signals.error());
  std::shared_ptr<const TlsTrust> trust;
  if (needs_system_trust(booted.settings)) {
    Result<std::shared_ptr<const TlsTrust>> system = TlsTrust::of_system();
    if (!system) return give_up(booted, system.error());
    trust = *std::move(system);
  }
  // only who links TLS can say what is wrong with a certificate
  if (Result<> good = check_tls(booted.settings, trust.get()); !good) return give_up(booted, good.error());
  Worker worker(booted, *slab, *resolver, **signals, loop, std::move(trust));
  ::tzset();  // gmtime() reads /etc/localtime at its first call, and certificates need it
  if (Result<> closed = enter_sandbox(booted); !closed) return give_up(booted, closed.error());
  if (Result<> started = worker.start(application); !started) return give_up(booted, started.error());
  return worker.serve();
}

}  // namespace

int run_worker(const Application& application) {
  Result<std::unique_ptr<Booted>> booted = boot({.application = application.name, .version = application.version});
  if (!booted) return kFailed;
  const int status = serve(**booted, application);
  // every frame belongs to somebody who is gone now
  if (const long left = frames::live(); left != 0) {
    (*booted)->log.error("coroutine frames left at exit", {{"frames", left}});
    return kFailed;
  }
  return status;
}

}  // namespace sluice::worker
