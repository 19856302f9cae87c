// See worker.h.
#include "supervisor/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "base/check.h"
#include "base/settings/units.h"

namespace sluice::supervisor {

Task<> Worker::run() {
  // what the program before this one had begun
  if (process_ != nullptr) co_await live_on();
  if (leave_ == Leave::kNo && (state_ == WorkerState::kBackingOff || state_ == WorkerState::kCrashLoop))
    co_await rest_on();
  while (leave_ == Leave::kNo) {
    if (Result<> started = start(); !started) {
      ended({.kind = ExitReason::Kind::kExited, .number = -1, .why = started.error().message()});
    } else {
      co_await live();
    }
    if (leave_ == Leave::kNo) co_await rest_on();
  }
  if (state_ != WorkerState::kStopped) move_to(WorkerState::kStopped);
}

// From the process running to its end.
Task<> Worker::live() {
  move_to(WorkerState::kStarting);
  co_await live_on();
}

Task<> Worker::live_on() {
  process_->attend();
  if (state_ == WorkerState::kStarting) process_->scope().spawn([this] { return watch_start(); });
  if (!kill_at_.is_never()) process_->scope().spawn([this, end = kill_at_] { return watch_end(end); });
  ExitReason reason = co_await process_->ended();
  ended(std::move(reason));
}

Task<> Worker::rest_on() {
  co_await pause(next_pause_);
  if (leave_ == Leave::kNo) move_to(WorkerState::kWaiting);
}

Task<> Worker::pause(Millis duration) {
  // a pause of nothing still lets the loop turn once
  if (duration.count() == 0) {
    co_await context_.loop.yield();
  } else {
    co_await told_.wait(context_.loop, context_.loop.in(duration));
  }
}

Worker::~Worker() {
  process_.reset();
  if (slab_ != nullptr) context_.slabs.give_back(*slab_);
}

Result<> Worker::prepare_slab() {
  if (slab_ != nullptr && slab_->reader->view()) return {};
  if (slab_ != nullptr) {
    context_.log.error("slab damaged", {{"tenant", tenant_.settings.name}, {"worker", index_}});
    if (Result<> renewed = context_.slabs.renew(*slab_); !renewed) return renewed;
  } else {
    Result<SlotSlab*> taken = context_.slabs.take(tenant_.settings.name, index_, tenant_.table_entries());
    if (!taken) return fail(std::move(taken).error());
    slab_ = *taken;
  }
  context_.new_slab(*this);
  return {};
}

Result<> Worker::start() {
  kill_at_ = Deadline::never();
  kill_reason_.clear();
  failed_why_.clear();
  not_ready_ = false;
  able_ = Able::kNotAsked;
  unanswered_ = 0;
  if (tenant_.cgroup != nullptr) memory_kills_ = tenant_.cgroup->memory_kills();
  if (Result<> slab = prepare_slab(); !slab) return slab;
  // what the process before this one had may have been left useless
  if (accepting_ == Accepting::kYes)
    if (Result<> listening = tenant_.listen(); !listening) return listening;
  Result<std::unique_ptr<Process>> process = Process::start(
      context_.loop, context_.sink, *this,
      {.tenant = tenant_,
       .index = index_,
       .generation = context_.generation,
       .slab = slab_->fd.get(),
       .log_level = context_.log.level(),
       .sockets = accepting_ == Accepting::kNotYet ? BoundAddress::Which::kAll : BoundAddress::Which::kListening,
       .turn = turn()});
  if (!process) return fail(std::move(process).error().during("starting the worker"));
  process_ = *std::move(process);
  context_.introduce(*this);
  for (const auto& [version, state] : std::exchange(inherited_, {})) {
    const std::array<int, 1> file = {state.get()};
    if (Result<> told = post(ipc::ParentState{.version = version}, file); !told) return told;
  }
  return process_->channel().post(ipc::Begin{});
}

Task<> Worker::watch_start() {
  co_await context_.loop.sleep(context_.ready_timeout);
  if (state_ != WorkerState::kStarting) co_return;
  not_ready_ = true;
  kill("not ready within " + text_of(context_.ready_timeout));
}

void Worker::kill_later(Deadline end) {
  kill_at_ = std::min(kill_at_, end);
  process_->scope().spawn([this, end] { return watch_end(end); });
}

Task<> Worker::watch_end(Deadline end) {
  co_await context_.loop.until(end);
  straggled_ = true;
  kill("still there after the time to drain");
  if (state_ == WorkerState::kDraining) move_to(WorkerState::kStopping);
}

void Worker::heard(const ipc::FromWorker& message) {
  std::visit(
      ipc::On{[&](const ipc::Hello& hello) {
                context_.log.debug("worker hello", {{"tenant", tenant_.settings.name},
                                                    {"worker", index_},
                                                    {"pid", pid()},
                                                    {"application", hello.application},
                                                    {"version", hello.version}});
              },
              [&](const ipc::Protections& said) { process_->add_protections(said); },
              [&](const ipc::Ready&) { became_ready(); }, [&](const ipc::Failed& said) { failed_why_ = said.why; },
              [&](const ipc::Prepared& said) { prepared(said); },
              [&](const ipc::Drained&) {
                context_.log.debug("worker drained", {{"tenant", tenant_.settings.name}, {"worker", index_}});
                if (!tenant_.takes_datagrams()) return;
                tenant_.steer_away(index_);
                (void)process_->channel().post(ipc::Stop{});
              }},
      message);
}

void Worker::became_ready() {
  protections_ = process_->protections();
  if (state_ != WorkerState::kStarting) return;  // told to leave meanwhile
  was_ready_ = true;
  const auto took = std::chrono::floor<Millis>(context_.loop.now() - process_->started());
  move_to(WorkerState::kReady);
  if (accepting_ == Accepting::kYes) tell_to_accept();
  if (accepting_ == Accepting::kPaused) accept_what_is_kept();
  context_.log.info("worker ready", {{"tenant", tenant_.settings.name},
                                     {"worker", index_},
                                     {"pid", process_->pid()},
                                     {"generation", context_.generation},
                                     {"milliseconds", took.count()}});
}

Result<> Worker::prepare(std::uint64_t number, const Fd& settings) {
  return ask(ipc::Reconfigure{.number = number}, number, settings);
}

Result<> Worker::save_state(std::uint64_t number, const Fd& file) {
  return ask(ipc::SaveState{.number = number}, number, file);
}

Result<> Worker::ask(const ipc::FromSupervisor& question, std::uint64_t number, const Fd& file) {
  const std::array<int, 1> files = {file.get()};
  if (Result<> told = post(question, files); !told) return told;
  able_ = Able::kAsked;
  asked_ = number;
  ++unanswered_;
  return {};
}

void Worker::inherit(std::string version, Fd state) {
  constexpr std::size_t kMost = 32;  // its channel holds 64 messages that wait
  if (version.size() <= ipc::kMaxName && inherited_.size() < kMost)
    inherited_.emplace_back(std::move(version), std::move(state));
}

void Worker::prepared(const ipc::Prepared& said) {
  if (unanswered_ == 0) {
    misbehaved("it answered what nobody had asked");
    return;
  }
  --unanswered_;
  if (said.number != asked_) return;  // an earlier question, given up meanwhile
  able_ = said.able ? Able::kYes : Able::kNo;
  unable_because_ = said.why;
  context_.changed.set();
}

void Worker::adopt() {
  if (able_ != Able::kYes) return;
  able_ = Able::kNotAsked;
  if (Result<> told = post(ipc::Adopt{.number = asked_}, {}); !told) kill(told.error().message());
}

void Worker::accept() {
  accepting_ = Accepting::kYes;
  ledger_ = {};
  if (state_ == WorkerState::kReady) tell_to_accept();
}

// The sockets too: a switch that is taken back may leave more of them than the process knows.
void Worker::tell_to_accept() {
  Result<> told = process_->give_sockets(BoundAddress::Which::kListening, turn());
  if (told) told = process_->channel().post(ipc::Accept{});
  if (!told) kill(told.error().message());
}

void Worker::pause(const std::vector<std::uint32_t>& keep, const Successor& successor) {
  accepting_ = Accepting::kPaused;
  kept_ = keep;
  successor_ = successor;
  if (state_ == WorkerState::kReady) tell_to_pause();
}

void Worker::tell_to_pause() {
  ipc::Pause message{.keep = {}, .next_generation = successor_.generation, .next_workers = successor_.workers};
  for (const std::uint32_t socket : kept_)
    if (process_->has_socket(socket) && message.keep.size() < ipc::Pause::kMostKept)
      message.keep.push_back({.socket = socket});
  if (Result<> told = process_->channel().post(message); !told) kill(told.error().message());
}

// A process that has come after the switch: what only its generation has is accepted by nobody else.
void Worker::accept_what_is_kept() {
  const bool any = std::ranges::any_of(kept_, [this](std::uint32_t socket) { return process_->has_socket(socket); });
  if (!any || tenant_.takes_datagrams()) return;
  tell_to_accept();
  tell_to_pause();
}

// The process has ended: what it reckoned is final. Whom we killed for being late was cut, not lost.
void Worker::close_page() {
  const Result<ipc::SlabView> view =
      slab_ != nullptr ? slab_->reader->view() : Result<ipc::SlabView>(fail(Code::kUnavailable));
  if (!view) return;
  restart::Ledger page = restart::read_ledger(*view);
  if (straggled_)
    for (restart::LedgerRow& row : page.rows) row.cut += std::exchange(row.crashed, 0);
  ledger_.add(page);
}

DatagramShare::Turn Worker::turn() const {
  return accepting_ == Accepting::kYes ? DatagramShare::Turn::kServing : DatagramShare::Turn::kNext;
}

void Worker::misbehaved(const std::string& why) {
  context_.log.error("worker misbehaved",
                     {{"tenant", tenant_.settings.name}, {"worker", index_}, {"pid", pid()}, {"why", why}});
  kill(why);
}

void Worker::kill(const std::string& why) {
  if (process_ == nullptr) return;
  if (kill_reason_.empty()) kill_reason_ = why;
  process_->kill();
}

void Worker::ended(ExitReason reason) {
  const bool ran = process_ != nullptr && state_ != WorkerState::kWaiting;
  const Nanos started = ran ? process_->started() : context_.loop.now();
  const pid_t pid = ran ? process_->pid() : 0;
  if (!kill_reason_.empty()) {
    reason.why = kill_reason_;
  } else if (!failed_why_.empty()) {
    reason.why = failed_why_;
  } else if (tenant_.cgroup != nullptr && reason.kind == ExitReason::Kind::kSignal && reason.number == SIGKILL &&
             tenant_.cgroup->memory_kills() > memory_kills_) {
    reason.why = "out of memory (limits.memory)";
  }
  last_exit_ = ran ? reason.text() : reason.why;
  last_words_.clear();
  if (ran) {
    protections_ = process_->protections();
    last_words_ = process_->last_words();
  }
  const bool quit = ran && reason.clean() && reason.why.empty();
  trouble_ = not_ready_ ? Trouble::kNotReady : quit ? Trouble::kQuit : Trouble::kEnded;
  if (ran) close_page();
  const bool as_told = leave_ != Leave::kNo && (reason.clean() || leave_ == Leave::kNow || straggled_);
  const std::uint64_t lost = ran && !as_told ? report_lost_connections(last_exit_) : 0;
  lost_connections_ += lost;
  process_.reset();
  mailbox_.reset();

  if (leave_ != Leave::kNo) {
    tenant_.steer_away(index_);  // nobody reads its sockets from here on
    context_.log.say(as_told && !straggled_ ? LogLevel::kInfo : LogLevel::kWarn, "worker stopped",
                     {{"tenant", tenant_.settings.name},
                      {"worker", index_},
                      {"pid", pid},
                      {"why", last_exit_},
                      {"connections_lost", lost}});
    move_to(WorkerState::kStopped);
    return;
  }
  ++crashes_;
  const Backoff::Verdict verdict = backoff_.ended(started, context_.loop.now());
  next_pause_ = verdict.pause;
  context_.log.error("worker ended", {{"tenant", tenant_.settings.name},
                                      {"worker", index_},
                                      {"pid", pid},
                                      {"why", last_exit_},
                                      {"connections_lost", lost},
                                      {"crashes", crashes_},
                                      {"restart_in_ms", next_pause_.count()}});
  if (verdict.crash_loop)
    context_.log.error("worker crash loop", {{"tenant", tenant_.settings.name},
                                             {"worker", index_},
                                             {"crashes", crashes_},
                                             {"why", last_exit_},
                                             {"restart_in_ms", next_pause_.count()}});
  move_to(verdict.crash_loop ? WorkerState::kCrashLoop : WorkerState::kBackingOff);
}

void Worker::drain(const restart::DrainOrder& order) {
  if (leave_ == Leave::kNow) return;
  const restart::DrainBudgets left = order.left(context_.loop.now());
  const bool can = state_ == WorkerState::kReady || state_ == WorkerState::kDraining;
  if (!can || left.longest().count() == 0) {
    stop();
    return;
  }
  leave_ = Leave::kDrain;
  const auto ms = [](Millis budget) { return static_cast<std::uint64_t>(budget.count()); };
  if (Result<> told = process_->channel().post(ipc::Drain{.idle_ms = ms(left.idle),
                                                          .request_ms = ms(left.request),
                                                          .upload_ms = ms(left.upload),
                                                          .tunnel_ms = ms(left.tunnel),
                                                          .flow_ms = ms(left.flow),
                                                          .spread_percent = left.spread_percent});
      !told) {
    kill(told.error().message());
    move_to(WorkerState::kStopping);
    return;
  }
  kill_later(order.kill());
  if (state_ != WorkerState::kDraining) move_to(WorkerState::kDraining);
}

void Worker::stop() {
  if (leave_ == Leave::kNow) return;
  leave_ = Leave::kNow;
  told_.set();
  if (!has_process(state_)) return;
  if (state_ != WorkerState::kStopping) move_to(WorkerState::kStopping);
  if (!process_->channel().post(ipc::Stop{})) {
    process_->kill();
    return;
  }
  kill_later(restart::DrainOrder(context_.loop.now(), {}).kill());
}

void Worker::set_log_level(LogLevel level) {
  if (process_ != nullptr) (void)process_->channel().post(ipc::SetLogLevel{.level = level});
}

Result<> Worker::post(const ipc::FromSupervisor& message, std::span<const int> fds) {
  if (process_ == nullptr) return fail(Code::kUnavailable, "no process");
  return process_->channel().post(message, fds);
}

void Worker::move_to(WorkerState next) {
  SLUICE_CHECK(may_move(state_, next), "a move that worker_state.h does not have");
  context_.log.debug(
      "worker state",
      {{"tenant", tenant_.settings.name}, {"worker", index_}, {"from", name(state_)}, {"to", name(next)}});
  state_ = next;
  since_ = context_.loop.now();
  context_.changed.set();
}

}  // namespace sluice::supervisor
