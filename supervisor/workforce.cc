// See workforce.h.
#include "supervisor/workforce.h"

#include <algorithm>

namespace sluice::supervisor {

Workforce::Workforce(Loop& loop, Log& log, LogSink& sink, const std::vector<std::unique_ptr<Tenant>>& tenants,
                     const Options& options)
    : log_(log) {
  for (const std::unique_ptr<Tenant>& tenant : tenants)
    for (std::uint32_t index = 0; index < tenant->settings.workers; ++index)
      workers_.push_back(
          std::make_unique<Worker>(Worker::Context{.loop = loop,
                                                   .log = log,
                                                   .sink = sink,
                                                   .backoff = options.backoff,
                                                   .ready_timeout = options.ready_timeout,
                                                   .changed = changed_,
                                                   .introduce = [this](Worker& worker) { introduce(worker); },
                                                   .new_slab = [this](Worker& worker) { new_slab(worker); }},
                                   *tenant, index));
}

void Workforce::start() {
  for (const std::unique_ptr<Worker>& worker : workers_) scope_.spawn([&worker] { return worker->run(); });
}

bool Workforce::all_ready() const {
  return std::ranges::all_of(workers_, [](const auto& worker) { return worker->ready(); });
}
bool Workforce::all_stopped() const {
  return std::ranges::all_of(workers_, [](const auto& worker) { return worker->state() == WorkerState::kStopped; });
}
bool Workforce::tenants_stopped() const {
  return std::ranges::all_of(workers_, [](const auto& worker) {
    return worker->tenant().built_in() || worker->state() == WorkerState::kStopped;
  });
}

const Worker* Workforce::never_started() const {
  const auto found = std::ranges::find_if(workers_, [](const auto& worker) { return worker->never_started(); });
  return found != workers_.end() ? found->get() : nullptr;
}

std::uint64_t Workforce::stragglers() const {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(workers_, [](const auto& worker) { return worker->straggled(); }));
}

void Workforce::drain(const restart::DrainBudget& budget) {
  for (const std::unique_ptr<Worker>& worker : workers_)
    if (!worker->tenant().built_in()) worker->drain(budget);
}

void Workforce::stop() {
  for (const std::unique_ptr<Worker>& worker : workers_) worker->stop();
}

void Workforce::set_log_level(LogLevel level) {
  for (const std::unique_ptr<Worker>& worker : workers_) worker->set_log_level(level);
}

// A new admin process gets every slab there is.
void Workforce::introduce(Worker& worker) {
  if (!worker.tenant().built_in()) return;
  std::vector<const Worker*> all;
  for (const std::unique_ptr<Worker>& other : workers_)
    if (other->slab()) all.push_back(other.get());
  show_slabs(worker, all);
  if (own_slab_ == nullptr) return;
  const Result<Fd> shown = ipc::read_only(*own_slab_);
  if (!shown) return;
  const std::array<int, 1> fds = {shown->get()};
  (void)worker.post(ipc::Slabs{.items = {{.tenant = {}, .worker_index = 0}}}, fds);
}

// A running admin process gets the new one.
void Workforce::new_slab(Worker& worker) {
  for (const std::unique_ptr<Worker>& admin : workers_)
    if (admin->tenant().built_in() && admin.get() != &worker && admin->pid() != 0) show_slabs(*admin, {&worker});
}

void Workforce::show_slabs(Worker& admin, const std::vector<const Worker*>& whose) {
  for (std::size_t at = 0; at < whose.size(); at += ipc::kMaxFds) {
    ipc::Slabs batch;
    std::vector<Fd> shown;
    std::vector<int> fds;
    for (std::size_t i = at; i < std::min(whose.size(), at + ipc::kMaxFds); ++i) {
      Result<Fd> slab = ipc::read_only(whose[i]->slab());
      if (!slab) {
        log_.error("slab not shown", {{"tenant", whose[i]->tenant().settings.name}, {"why", slab.error().message()}});
        continue;
      }
      batch.items.push_back({.tenant = whose[i]->tenant().settings.name, .worker_index = whose[i]->index()});
      fds.push_back(slab->get());
      shown.push_back(*std::move(slab));
    }
    if (const Result<> told = admin.post(batch, fds); !told)
      log_.error("slab not shown", {{"tenant", admin.tenant().settings.name}, {"why", told.error().message()}});
  }
}

}  // namespace sluice::supervisor
