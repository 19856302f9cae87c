// See worker.h.
#include "supervisor/worker.h"

#include <fmt/format.h>

#include <csignal>

#include "base/check.h"
#include "base/settings/units.h"

namespace sluice::supervisor {

Task<> Worker::run() {
  while (leave_ == Leave::kNo) {
    if (Result<> started = start(); !started) {
      ended({.kind = ExitReason::Kind::kExited, .number = -1, .why = started.error().message()});
    } else {
      co_await live();
    }
    if (leave_ != Leave::kNo) break;
    co_await pause(next_pause_);
    if (leave_ == Leave::kNo) move_to(WorkerState::kWaiting);
  }
  if (state_ != WorkerState::kStopped) move_to(WorkerState::kStopped);
}

// From the process running to its end.
Task<> Worker::live() {
  move_to(WorkerState::kStarting);
  process_->attend();
  process_->scope().spawn([this] { return watch_start(); });
  ExitReason reason = co_await process_->ended();
  ended(std::move(reason));
}

Task<> Worker::pause(Millis duration) {
  // a pause of nothing still lets the loop turn once
  if (duration.count() == 0) {
    co_await context_.loop.yield();
  } else {
    co_await told_.wait(context_.loop, context_.loop.in(duration));
  }
}

Result<> Worker::prepare_slab() {
  if (reader_ && reader_->view()) return {};
  if (reader_) context_.log.error("slab damaged", {{"tenant", tenant_.settings.name}, {"worker", index_}});
  Result<Fd> slab =
      ipc::make_slab(fmt::format("{}/{}", tenant_.settings.name, index_), tenant_.settings.limits.connections);
  if (!slab) return fail(std::move(slab).error());
  Result<ipc::SlabReader> reader = ipc::SlabReader::open(slab->get());
  if (!reader) return fail(std::move(reader).error());
  slab_ = *std::move(slab);
  reader_.emplace(*std::move(reader));
  context_.new_slab(*this);
  return {};
}

Result<> Worker::start() {
  kill_reason_.clear();
  failed_why_.clear();
  if (tenant_.cgroup != nullptr) memory_kills_ = tenant_.cgroup->memory_kills();
  if (Result<> slab = prepare_slab(); !slab) return slab;
  Result<std::unique_ptr<Process>> process =
      Process::start(context_.loop, context_.sink, *this,
                     {.tenant = tenant_, .index = index_, .slab = slab_.get(), .log_level = context_.log.level()});
  if (!process) return fail(std::move(process).error().during("starting the worker"));
  process_ = *std::move(process);
  context_.introduce(*this);
  return process_->channel().post(ipc::Begin{});
}

Task<> Worker::watch_start() {
  co_await context_.loop.sleep(context_.ready_timeout);
  if (state_ == WorkerState::kStarting) kill("not ready within " + text_of(context_.ready_timeout));
}

Task<> Worker::watch_drain(restart::DrainBudget budget) {
  co_await context_.loop.until(budget.kill());
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
              [&](const ipc::Drained&) {
                context_.log.debug("worker drained", {{"tenant", tenant_.settings.name}, {"worker", index_}});
              }},
      message);
}

void Worker::became_ready() {
  protections_ = process_->protections();
  if (state_ != WorkerState::kStarting) return;  // told to leave meanwhile
  was_ready_ = true;
  const auto took = std::chrono::floor<Millis>(context_.loop.now() - process_->started());
  move_to(WorkerState::kReady);
  context_.log.info("worker ready", {{"tenant", tenant_.settings.name},
                                     {"worker", index_},
                                     {"pid", process_->pid()},
                                     {"milliseconds", took.count()}});
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
  const bool as_told = leave_ != Leave::kNo && (reason.clean() || leave_ == Leave::kNow || straggled_);
  const std::uint64_t lost = ran && !as_told ? report_lost_connections(last_exit_) : 0;
  lost_connections_ += lost;
  process_.reset();

  if (leave_ != Leave::kNo) {
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

void Worker::drain(const restart::DrainBudget& budget) {
  if (leave_ != Leave::kNo) return;
  const Millis left = budget.left(context_.loop.now());
  if (state_ != WorkerState::kReady || left.count() == 0) {
    stop();
    return;
  }
  leave_ = Leave::kDrain;
  if (Result<> told = process_->channel().post(ipc::Drain{.budget_ms = static_cast<std::uint64_t>(left.count())});
      !told) {
    kill(told.error().message());
    move_to(WorkerState::kStopping);
    return;
  }
  process_->scope().spawn([this, budget] { return watch_drain(budget); });
  move_to(WorkerState::kDraining);
}

void Worker::stop() {
  if (leave_ == Leave::kNow) return;
  leave_ = Leave::kNow;
  told_.set();
  if (!has_process(state_)) return;
  if (state_ != WorkerState::kStopping) move_to(WorkerState::kStopping);
  const restart::DrainBudget at_once(context_.loop.now(), Millis(0));
  if (!process_->channel().post(ipc::Stop{})) {
    process_->kill();
    return;
  }
  process_->scope().spawn([this, at_once] { return watch_drain(at_once); });
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
