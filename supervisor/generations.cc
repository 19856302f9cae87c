// See generations.h.
#include "supervisor/generations.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "ipc/metrics_reader.h"
#include "ipc/supervisor_metrics.h"

namespace sluice::supervisor {
namespace {

std::uint64_t inode_of(int fd) {
  struct stat facts{};
  return ::fstat(fd, &facts) == 0 ? facts.st_ino : 0;
}

}  // namespace

Result<std::unique_ptr<Generations>> Generations::make(Loop& loop, Log& log, LogSink& sink, Fd own_slab) {
  Result<std::unique_ptr<OwnMetrics>> metrics =
      own_slab ? OwnMetrics::go_on_in(std::move(own_slab)) : OwnMetrics::make();
  if (!metrics) metrics = OwnMetrics::make();  // another version's
  if (!metrics) return fail(std::move(metrics).error());
  return std::unique_ptr<Generations>(new Generations(loop, log, sink, *std::move(metrics)));
}

Generations::Generations(Loop& loop, Log& log, LogSink& sink, std::unique_ptr<OwnMetrics> metrics)
    : metrics_(std::move(metrics)),
      common_{.loop = loop,
              .log = log,
              .sink = sink,
              .changed = changed_,
              .slabs = slabs_,
              .own_slab = metrics_->slab(),
              .new_slab =
                  [this](const SlotSlab& slab) {
                    for (const std::unique_ptr<Generation>& generation : all_) generation->workforce().show_new(slab);
                  },
              .tickets = tickets_,
              .connect_mailboxes = [this](Worker& worker) { connect_mailboxes(worker); }} {}

Result<Generation*> Generations::add(Configuration configuration) {
  Result<std::unique_ptr<Generation>> made = Generation::make(common_,
                                                              {.sockets = sockets_,
                                                               .datagrams = datagrams_,
                                                               .steering = configuration.settings.upgrade.udp_steering,
                                                               .private_ids = private_ids_,
                                                               .cgroups = cgroups_},
                                                              last_number_ + 1, std::move(configuration));
  if (!made) return fail(std::move(made).error());
  ++last_number_;
  return all_.emplace_back(*std::move(made)).get();
}

void Generations::discard(const Generation& generation) {
  std::erase_if(all_, [&](const auto& one) { return one.get() == &generation; });
}

void Generations::bury(const std::function<void(const Generation&)>& told) {
  std::erase_if(all_, [&](const std::unique_ptr<Generation>& generation) {
    if (generation.get() == serving_ || !generation->gone()) return false;
    told(*generation);
    for (const std::unique_ptr<Worker>& worker : generation->workforce().workers()) {
      Past& past = past_[{worker->tenant().settings.name, worker->index()}];
      past.crashes += worker->crashes();
      past.lost_connections += worker->lost_connections();
    }
    return true;
  });
}

// Everybody gets the new one's sending end, and the new one everybody's. A process that does not get one is not passed
// anything, and serves what it reads.
void Generations::connect_mailboxes(Worker& worker) {
  if (steering().kind() != Steering::Kind::kForward) return;
  Result<MailboxPair> made = make_mailbox();
  if (!made) {
    common_.log.error("mailbox not made", {{"why", made.error().message()}});
    return;
  }
  ipc::Mailboxes others{.items = {{.generation = worker.generation(), .worker_index = worker.index()}}};
  std::vector<int> fds = {made->inbox.get()};
  const ipc::Mailboxes anew = others;
  const std::array<int, 1> outbox = {made->outbox.get()};
  for (const std::unique_ptr<Generation>& generation : all_)
    for (const std::unique_ptr<Worker>& other : generation->workforce().workers()) {
      if (other.get() == &worker || other->tenant().settings.name != worker.tenant().settings.name) continue;
      if (!other->mailbox()) continue;
      (void)other->post(anew, outbox);
      if (others.items.size() == ipc::kMaxFds) {
        (void)worker.post(others, fds);
        others.items.clear();
        fds.clear();
      }
      others.items.push_back({.generation = other->generation(), .worker_index = other->index()});
      fds.push_back(other->mailbox().get());
    }
  (void)worker.post(others, fds);
  worker.set_mailbox(std::move(made->outbox));
}

void Generations::rotate_tickets() {
  const auto workers_of = [this](const std::string& tenant) {
    std::vector<Worker*> found;
    for (const std::unique_ptr<Generation>& generation : all_)
      for (const std::unique_ptr<Worker>& worker : generation->workforce().workers())
        if (worker->tenant().settings.name == tenant) found.push_back(worker.get());
    return found;
  };
  const Nanos now = common_.loop.now();
  for (const ipc::TenantSettings& tenant : serving_->configuration().settings.tenants) {
    if (!tickets_.rotate(tenant.name, now, tenant.session_tickets.rotation)) continue;
    for (Worker* worker : workers_of(tenant.name))
      if (worker->pid() != 0)
        (void)worker->post(tickets_.of(tenant.name, now), {});  // one that cannot hear it is ended
    tickets_.forget([&](const std::string& other) { return workers_of(other).empty(); });
  }
}

std::size_t Generations::draining() const {
  return static_cast<std::size_t>(std::ranges::count_if(all_, [](const auto& one) { return one->draining(); }));
}

Generation* Generations::oldest_draining() const {
  const auto found = std::ranges::find_if(all_, [](const auto& one) { return one->draining(); });
  return found != all_.end() ? found->get() : nullptr;
}

void Generations::set_log_level(LogLevel level) {
  for (const std::unique_ptr<Generation>& generation : all_) generation->workforce().set_log_level(level);
}

Result<> Generations::inherit(const std::vector<restart::SavedAddress>& addresses) {
  std::uint32_t next = 1;
  for (const restart::SavedAddress& address : addresses) {
    for (const restart::SavedSocket& socket : address.sockets) next = std::max(next, socket.number + 1);
    next = std::max(next, address.file_number + 1);
  }
  Result<std::vector<std::shared_ptr<BoundAddress>>> adopted = sockets_.adopt(addresses, next);
  if (!adopted) return fail(std::move(adopted).error());
  inherited_ = *std::move(adopted);
  return {};
}

std::size_t Generations::inherit(const Estate& estate, SlabPool::Writers writers) {
  last_number_ = estate.last_generation;
  remember_past();
  return slabs_.inherit(estate.slabs, writers);
}

// What is published is counted from the beginning.
void Generations::remember_past() {
  const Result<ipc::SlabReader> reader = ipc::SlabReader::open(metrics_->slab().get());
  const Result<ipc::SlabView> view = reader ? reader->view() : Result<ipc::SlabView>(fail(Code::kUnavailable));
  if (!view) return;
  for (const ipc::MetricFamily& family : ipc::read_metrics(*view).families) {
    const bool crashes = family.name == ipc::kWorkerCrashesMetric;
    if (!crashes && family.name != ipc::kWorkerLostMetric) continue;
    for (const ipc::MetricSeries& series : family.series) {
      std::pair<std::string, std::uint32_t> slot;
      for (const ipc::MetricLabel& label : series.labels) {
        if (label.name == ipc::kOfTenant) slot.first = label.value;
        if (label.name == ipc::kOfWorker)
          (void)std::from_chars(label.value.data(), label.value.data() + label.value.size(), slot.second);
      }
      (crashes ? past_[slot].crashes : past_[slot].lost_connections) = series.count;
    }
  }
}

restart::SavedEstate Generations::estate() const {
  restart::SavedEstate estate{.last_generation = last_number_, .holders = holders(), .slabs = slabs_.save()};
  const int own = metrics_->slab().get();
  estate.slabs.push_back({.tenant = std::string(kOwnSlab), .fd = own, .inode = inode_of(own)});
  return estate;
}

std::uint32_t Generations::holders() const {
  std::uint32_t count = 0;
  for (const std::unique_ptr<Generation>& generation : all_)
    for (const std::unique_ptr<Worker>& worker : generation->workforce().workers())
      if (worker->tenant().is_admin() && worker->pid() != 0) ++count;
  return count;
}

std::vector<pid_t> Generations::pids() const {
  std::vector<pid_t> all;
  for (const bool admin : {true, false})
    for (const std::unique_ptr<Generation>& generation : all_)
      for (const std::unique_ptr<Worker>& worker : generation->workforce().workers())
        if (worker->tenant().is_admin() == admin) all.push_back(worker->pid());
  return all;
}

bool Generations::has(pid_t pid) const {
  return std::ranges::any_of(all_, [pid](const std::unique_ptr<Generation>& generation) {
    return std::ranges::any_of(generation->workforce().workers(),
                               [pid](const std::unique_ptr<Worker>& worker) { return worker->pid() == pid; });
  });
}

void Generations::set_serving(Generation& generation) {
  serving_ = &generation;
  publish_facts();
  changed_.set();
}

void Generations::publish_facts() {
  std::map<std::pair<std::string, std::uint32_t>, SlotFacts> slots;
  for (const auto& [key, past] : past_)
    slots[key] = {
        .tenant = key.first, .worker = key.second, .crashes = past.crashes, .lost_connections = past.lost_connections};
  for (const std::unique_ptr<Generation>& generation : all_)
    for (const std::unique_ptr<Worker>& worker : generation->workforce().workers()) {
      const std::string& tenant = worker->tenant().settings.name;
      SlotFacts& facts = slots[{tenant, worker->index()}];
      facts.tenant = tenant;
      facts.worker = worker->index();
      facts.crashes += worker->crashes();
      facts.lost_connections += worker->lost_connections();
      if (generation.get() != serving_) continue;
      facts.wanted = true;
      facts.ready = worker->ready();
    }
  std::vector<SlotFacts> list;
  for (const auto& [key, facts] : slots) list.push_back(facts);
  metrics_->update(list);
  metrics_->generations(serving_->number(), all_.size());
}

}  // namespace sluice::supervisor
