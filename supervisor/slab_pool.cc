// See slab_pool.h.
#include "supervisor/slab_pool.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "ipc/metrics.h"
#include "supervisor/takeover.h"

namespace sluice::supervisor {

namespace {

std::uint64_t inode_of(const Fd& fd) {
  struct stat facts{};
  return ::fstat(fd.get(), &facts) == 0 ? facts.st_ino : 0;
}

}  // namespace

std::uint32_t SlabPool::next_number(const std::string& tenant, std::uint32_t worker) const {
  std::uint32_t next = 0;
  for (const std::unique_ptr<SlotSlab>& slab : slabs_)
    if (slab->tenant == tenant && slab->worker == worker) next = std::max(next, slab->number + 1);
  return next;
}

Result<SlotSlab*> SlabPool::take(const std::string& tenant, std::uint32_t worker, std::uint32_t connections) {
  for (const std::unique_ptr<SlotSlab>& slab : slabs_) {
    if (slab->tenant != tenant || slab->worker != worker) continue;
    if (slab->taken || slab->connections != connections) continue;
    if (!slab->reader->view())
      if (Result<> renewed = renew(*slab); !renewed) return fail(std::move(renewed).error());
    slab->taken = true;
    return slab.get();
  }
  auto slab = std::make_unique<SlotSlab>();
  slab->tenant = tenant;
  slab->worker = worker;
  slab->number = next_number(tenant, worker);
  slab->connections = connections;
  if (Result<> made = renew(*slab); !made) return fail(std::move(made).error());
  slab->taken = true;
  return slabs_.emplace_back(std::move(slab)).get();
}

std::vector<restart::SavedSlab> SlabPool::save() const {
  std::vector<restart::SavedSlab> all;
  for (const std::unique_ptr<SlotSlab>& slab : slabs_)
    all.push_back({.tenant = slab->tenant,
                   .worker = slab->worker,
                   .number = slab->number,
                   .connections = slab->connections,
                   .fd = slab->fd.get(),
                   .inode = inode_of(slab->fd),
                   .orphaned = slab->orphaned});
  return all;
}

void SlabPool::go_on(const Takeover& from) {
  for (const restart::SavedSlab& one : from.state().slabs) {
    auto slab = std::make_unique<SlotSlab>();
    slab->tenant = one.tenant;
    slab->worker = one.worker;
    slab->number = one.number;
    slab->connections = one.connections;
    slab->reader.emplace(from.must(ipc::SlabReader::open(one.fd)));
    slab->fd = Fd(one.fd);
    slab->taken = slab->orphaned = one.orphaned;
    slabs_.push_back(std::move(slab));
  }
}

std::size_t SlabPool::inherit(const std::vector<restart::SavedSlab>& slabs, Writers writers) {
  for (const restart::SavedSlab& one : slabs) {
    auto slab = std::make_unique<SlotSlab>();
    slab->tenant = one.tenant;
    slab->worker = one.worker;
    slab->number = one.number;
    slab->connections = one.connections;
    slab->fd = Fd(one.fd);
    Result<ipc::SlabReader> reader = ipc::SlabReader::open(one.fd);
    if (!reader || !reader->view()) continue;  // of another version, or damaged
    slab->reader.emplace(*std::move(reader));
    slab->taken = slab->orphaned = writers == Writers::kMayLive;
    if (!slab->taken) give_back(*slab);
    slabs_.push_back(std::move(slab));
  }
  ++made_;
  return slabs_.size();
}

void SlabPool::writers_ended() {
  for (const std::unique_ptr<SlotSlab>& slab : slabs_)
    if (std::exchange(slab->orphaned, false)) give_back(*slab);
}

void SlabPool::give_back(SlotSlab& slab) {
  slab.taken = false;
  Result<ipc::Slab> memory = ipc::Slab::attach(slab.fd.get());
  if (!memory) return;  // damaged: the next who takes it gets a new one
  const ipc::MetricsWriter zeroes_gauges(*memory);
}

Result<> SlabPool::renew(SlotSlab& slab) {
  ++made_;
  Result<Fd> fd = ipc::make_slab(fmt::format("{}/{}.{}", slab.tenant, slab.worker, slab.number), slab.connections);
  if (!fd) return fail(std::move(fd).error());
  Result<ipc::SlabReader> reader = ipc::SlabReader::open(fd->get());
  if (!reader) return fail(std::move(reader).error());
  slab.fd = *std::move(fd);
  slab.reader.emplace(*std::move(reader));
  return {};
}

}  // namespace sluice::supervisor
