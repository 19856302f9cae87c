// See workforce.h.
#include "supervisor/workforce.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "restart/fault_point.h"

namespace sluice::supervisor {

Workforce::Workforce(const Common& common, const std::vector<std::unique_ptr<Tenant>>& tenants, const Options& options)
    : common_(common), generation_(options.generation) {
  for (const std::unique_ptr<Tenant>& tenant : tenants)
    for (std::uint32_t index = 0; index < tenant->settings.workers; ++index)
      workers_.push_back(std::make_unique<Worker>(
          Worker::Context{.loop = common.loop,
                          .log = common.log,
                          .sink = common.sink,
                          .backoff = options.backoff,
                          .ready_timeout = options.ready_timeout,
                          .changed = common.changed,
                          .slabs = common.slabs,
                          .generation = options.generation,
                          .introduce = [this](Worker& worker) { introduce(worker); },
                          .new_slab = [this](Worker& worker) { common_.new_slab(*worker.slab()); }},
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

std::uint64_t Workforce::crashes() const {
  std::uint64_t sum = 0;
  for (const std::unique_ptr<Worker>& worker : workers_) sum += worker->crashes();
  return sum;
}

restart::Ledger Workforce::ledger() const {
  restart::Ledger sum;
  for (const std::unique_ptr<Worker>& worker : workers_)
    if (!worker->tenant().built_in()) sum.add(worker->ledger());
  return sum;
}

void Workforce::accept() {
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->accept();
    if (worker == workers_.front()) restart::fault_point(restart::FaultPoint::kCommitMiddle, 0);
  }
}

void Workforce::pause(const std::vector<std::uint32_t>& keep, const Workforce& successor) {
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->pause(
        keep, {.generation = successor.generation(), .workers = successor.workers_of(worker->tenant().settings.name)});
    if (worker == workers_.front()) restart::fault_point(restart::FaultPoint::kCommitPausing, 0);
  }
}

std::uint32_t Workforce::workers_of(const std::string& tenant) const {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(workers_, [&](const auto& worker) { return worker->tenant().settings.name == tenant; }));
}

void Workforce::drain(const restart::DrainOrder& order, Who who) {
  for (const std::unique_ptr<Worker>& worker : workers_)
    if (who == Who::kAll || !worker->tenant().built_in()) worker->drain(order);
}

namespace {

std::vector<Worker*> serving(const std::vector<std::unique_ptr<Worker>>& workers, std::string_view tenant) {
  std::vector<Worker*> found;
  for (const std::unique_ptr<Worker>& worker : workers)
    if (worker->tenant().settings.name == tenant &&
        (worker->state() == WorkerState::kReady || worker->state() == WorkerState::kDraining))
      found.push_back(worker.get());
  return found;
}

Result<> connect(Worker& from, Worker& to, const ipc::HandOver& order) {
  Result<ipc::ChannelPair> pair = ipc::channel_pair();
  if (!pair) return fail(std::move(pair).error());
  const std::array<int, 1> theirs = {pair->worker.get()};
  if (Result<> told = to.post(ipc::TakeOver{}, theirs); !told) return told;
  const std::array<int, 1> ours = {pair->supervisor.get()};
  return from.post(order, ours);
}

}  // namespace

void Workforce::hand_over(Workforce& to, const ipc::HandOver& order) {
  std::set<std::string_view> tenants;
  for (const std::unique_ptr<Worker>& worker : workers_) tenants.insert(worker->tenant().settings.name);
  for (const std::string_view tenant : tenants) {
    const std::vector<Worker*> leaving = serving(workers_, tenant);
    const std::vector<Worker*> staying = serving(to.workers_, tenant);
    if (leaving.empty() || staying.empty()) continue;
    for (std::size_t i = 0; i < std::max(leaving.size(), staying.size()); ++i) {
      const Result<> done = connect(*leaving[i % leaving.size()], *staying[i % staying.size()], order);
      if (!done) common_.log.warn("no hand-over", {{"tenant", tenant}, {"why", done.error().message()}});
    }
  }
}

void Workforce::stop() {
  for (const std::unique_ptr<Worker>& worker : workers_) worker->stop();
}

void Workforce::set_log_level(LogLevel level) {
  for (const std::unique_ptr<Worker>& worker : workers_) worker->set_log_level(level);
}

// A new admin process gets every slab there is, of all generations.
void Workforce::introduce(Worker& worker) {
  if (worker.tenant().takes_datagrams()) common_.connect_mailboxes(worker);
  introduce_keyholder(worker);
  const Tenant& tenant = worker.tenant();
  if (!tenant.keys.empty()) (void)worker.post(common_.tickets.of(tenant.settings.name, common_.loop.now()), {});
  if (!worker.tenant().is_admin()) return;
  std::vector<const SlotSlab*> all;
  for (const std::unique_ptr<SlotSlab>& slab : common_.slabs.all()) all.push_back(slab.get());
  show_slabs(worker, all);
  const Result<Fd> shown = ipc::read_only(common_.own_slab);
  if (!shown) return;
  const std::array<int, 1> fds = {shown->get()};
  (void)worker.post(ipc::Slabs{.items = {{.tenant = {}, .worker_index = 0}}}, fds);
}

void Workforce::show_new(const SlotSlab& slab) {
  for (const std::unique_ptr<Worker>& admin : workers_)
    if (admin->tenant().is_admin() && admin->slab() != &slab && admin->pid() != 0) show_slabs(*admin, {&slab});
}

void Workforce::show_slabs(Worker& admin, const std::vector<const SlotSlab*>& slabs) {
  const auto complain = [&](const std::string& tenant, const Error& error) {
    common_.log.error("slab not shown", {{"tenant", tenant}, {"why", error.message()}});
  };
  for (std::size_t at = 0; at < slabs.size(); at += ipc::kMaxFds) {
    ipc::Slabs batch;
    std::vector<Fd> shown;
    std::vector<int> fds;
    for (std::size_t i = at; i < std::min(slabs.size(), at + ipc::kMaxFds); ++i) {
      Result<Fd> slab = ipc::read_only(slabs[i]->fd);
      if (!slab) {
        complain(slabs[i]->tenant, slab.error());
        continue;
      }
      batch.items.push_back({.tenant = slabs[i]->tenant, .worker_index = slabs[i]->worker, .number = slabs[i]->number});
      fds.push_back(slab->get());
      shown.push_back(*std::move(slab));
    }
    if (const Result<> told = admin.post(batch, fds); !told) complain(admin.tenant().settings.name, told.error());
  }
}

}  // namespace sluice::supervisor
