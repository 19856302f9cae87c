// Generations on their way from one program to the next: save() and go_on().
#include "ipc/application.h"
#include "ipc/memfd.h"
#include "supervisor/generations.h"
#include "supervisor/takeover.h"

namespace sluice::supervisor {
namespace {

restart::SavedApplication saved(const Application& application, std::string about) {
  return {.path = application.path,
          .fd = application.binary.get(),
          .identity = application.identity,
          .about_text = std::move(about)};
}

std::optional<Application> own_program(const restart::SavedApplication& saved) {
  if (saved.fd == restart::kNoFd) return std::nullopt;
  return Application{.path = saved.path, .binary = Fd(saved.fd), .about = {}, .identity = saved.identity};
}

}  // namespace

restart::SavedGeneration Generation::save() const {
  restart::SavedGeneration out{
      .number = number_,
      .file = configuration_.file,
      .settings = ipc::to_json(configuration_.settings),
      .application = saved(configuration_.application, ipc::encode(configuration_.application.about)),
      .admin = admin_ ? saved(*admin_, {}) : restart::SavedApplication{},
      .keyholder = keyholder_ ? saved(*keyholder_, {}) : restart::SavedApplication{},
      .accepted = accepted_,
      .draining = draining_,
      .tenants = {}};
  std::size_t at = 0;
  for (const std::unique_ptr<Tenant>& tenant : tenants_) {
    restart::SavedTenant& its = out.tenants.emplace_back(save_tenant(*tenant));
    for (std::uint32_t index = 0; index < tenant->settings.workers; ++index)
      its.workers.push_back(workforce_->workers().at(at++)->save());
  }
  return out;
}

std::unique_ptr<Generation> Generation::go_on(const Takeover& from, const restart::SavedGeneration& saved,
                                              const Workforce::Common& common, const TenantMakings& makings) {
  Configuration configuration{.file = saved.file,
                              .settings = from.must(ipc::settings_from_json(saved.settings)),
                              .application = {.path = saved.application.path,
                                              .binary = Fd(saved.application.fd),
                                              .about = from.must(ipc::decode_description(saved.application.about_text)),
                                              .identity = saved.application.identity}};
  std::unique_ptr<Generation> generation(new Generation(saved.number, std::move(configuration)));
  generation->steering_ = &makings.datagrams.steering();
  generation->admin_ = own_program(saved.admin);
  generation->keyholder_ = own_program(saved.keyholder);
  for (const restart::SavedTenant& its : saved.tenants) {
    const bool admin = its.name == kAdminTenant;
    const std::optional<Application>& own = admin ? generation->admin_ : generation->keyholder_;
    const bool built_in = admin || its.name == kKeyholderTenant;
    if (built_in && !own) from.give_back(Error(Code::kBadSyntax, "a program of ours is missing"));
    const Application& program = built_in ? *own : generation->configuration_.application;
    generation->tenants_.push_back(go_on_with_tenant(from, its, program, saved.number, makings));
    if (generation->tenants_.back()->settings.workers != its.workers.size())
      from.give_back(Error(Code::kBadSyntax, "another number of workers than the settings say"));
  }
  generation->make_workforce(common);
  std::size_t at = 0;
  for (const restart::SavedTenant& its : saved.tenants)
    for (const restart::SavedWorker& worker : its.workers)
      generation->workforce_->workers().at(at++)->go_on(from, worker);
  generation->accepted_ = saved.accepted;
  generation->draining_ = saved.draining;
  return generation;
}

void Generations::save(restart::SavedState& state) const {
  state.next_socket = sockets_.next_number();
  state.addresses = sockets_.save();
  state.datagrams = datagrams_.save();
  state.own_slab = metrics_->slab().get();
  state.slabs = slabs_.save();
  for (const auto& [tenant, id] : private_ids_.given()) state.private_ids.push_back({.tenant = tenant, .id = id});
  for (const auto& [slot, past] : past_)
    state.past.push_back({.tenant = slot.first,
                          .worker = slot.second,
                          .crashes = past.crashes,
                          .lost_connections = past.lost_connections});
  state.tickets = tickets_.save();
  state.last_generation = last_number_;
  state.serving = serving_->number();
  for (const std::unique_ptr<Generation>& generation : all_) state.generations.push_back(generation->save());
}

std::unique_ptr<Generations> Generations::go_on(const Takeover& from, Loop& loop, Log& log, LogSink& sink) {
  const restart::SavedState& state = from.state();
  std::unique_ptr<OwnMetrics> metrics = from.must(OwnMetrics::go_on_in(Fd(state.own_slab)));
  std::unique_ptr<Generations> out(new Generations(loop, log, sink, std::move(metrics)));
  // held until the generations have what is theirs
  const std::vector<std::shared_ptr<BoundAddress>> addresses = out->sockets_.go_on(from);
  const std::vector<std::shared_ptr<DatagramAddress>> datagrams = out->datagrams_.go_on(from);
  out->slabs_.go_on(from);
  std::vector<std::pair<std::string, std::uint32_t>> ids;
  for (const restart::SavedId& given : state.private_ids) ids.emplace_back(given.tenant, given.id);
  out->private_ids_.go_on_with(std::move(ids));
  for (const restart::SavedPast& past : state.past)
    out->past_[{past.tenant, past.worker}] = {.crashes = past.crashes, .lost_connections = past.lost_connections};
  from.must(out->tickets_.go_on_with(state.tickets));
  out->last_number_ = state.last_generation;
  const TenantMakings makings{.sockets = out->sockets_,
                              .datagrams = out->datagrams_,
                              .steering = ipc::UdpSteering::kAuto,  // decided long since
                              .private_ids = out->private_ids_,
                              .cgroups = out->cgroups_};
  for (const restart::SavedGeneration& generation : state.generations) {
    out->all_.push_back(Generation::go_on(from, generation, out->common_, makings));
    if (generation.number == state.serving) out->serving_ = out->all_.back().get();
  }
  out->sockets_.grow_again();
  return out;
}

}  // namespace sluice::supervisor
