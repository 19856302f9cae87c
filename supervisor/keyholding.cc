// The workforce's part in keeping private keys out of workers' reach: who gets which files, and who may talk to whom.
// See workforce.h and docs/tls.md. The supervisor never reads a key: it passes open files to the keyholder, and to each
// worker of a tenant with keys one end of a channel whose other end the keyholder gets with that tenant's name.
#include <algorithm>
#include <array>

#include "supervisor/workforce.h"

namespace sluice::supervisor {

Worker* Workforce::keyholder() const {
  const auto found = std::ranges::find_if(workers_, [](const auto& one) { return one->tenant().is_keyholder(); });
  return found != workers_.end() ? found->get() : nullptr;
}

Result<> Workforce::give_keys(const std::string& tenant, const std::vector<Fd>& keys) {
  Worker* const to = keyholder();
  if (to == nullptr) return fail(Code::kUnavailable, "there is no keyholder");
  for (std::size_t at = 0; at < keys.size(); at += ipc::kMaxFds) {
    ipc::Keys batch;
    std::vector<int> fds;
    for (std::size_t i = at; i < std::min(keys.size(), at + ipc::kMaxFds); ++i) {
      batch.items.push_back({.tenant = tenant});
      fds.push_back(keys[i].get());
    }
    if (Result<> given = to->post(batch, fds); !given) return given;
  }
  return {};
}

void Workforce::connect_keyholder(Worker& keyholder, Worker& worker) {
  const std::string& tenant = worker.tenant().settings.name;
  const auto connect = [&]() -> Result<> {
    Result<ipc::ChannelPair> pair = ipc::channel_pair();
    if (!pair) return fail(std::move(pair).error());
    const std::array<int, 1> its = {pair->supervisor.get()};
    if (Result<> told = keyholder.post(ipc::KeyUser{.tenant = tenant}, its); !told) return told;
    const std::array<int, 1> ours = {pair->worker.get()};
    return worker.post(ipc::Keyholder{}, ours);
  };
  if (const Result<> done = connect(); !done)
    common_.log.error("no keyholder",
                      {{"tenant", tenant}, {"worker", worker.index()}, {"why", done.error().message()}});
}

void Workforce::introduce_keyholder(Worker& worker) {
  Worker* const keys = keyholder();
  if (keys == nullptr) return;
  if (&worker != keys) {
    if (!worker.tenant().keys.empty() && keys->pid() != 0) connect_keyholder(*keys, worker);
    return;
  }
  for (const std::unique_ptr<Worker>& other : workers_) {
    const Tenant& tenant = other->tenant();
    if (tenant.keys.empty()) continue;
    if (other->index() == 0)
      if (const Result<> given = give_keys(tenant.settings.name, tenant.keys); !given)
        common_.log.error("keys not given", {{"tenant", tenant.settings.name}, {"why", given.error().message()}});
    if (other->pid() != 0) connect_keyholder(*keys, *other);
  }
}

}  // namespace sluice::supervisor
