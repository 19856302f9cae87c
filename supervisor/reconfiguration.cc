// See reconfiguration.h.
#include "supervisor/reconfiguration.h"

#include <fmt/format.h>

#include <algorithm>

#include "restart/fault_point.h"

namespace sluice::supervisor {
namespace {

std::string name_of(const Worker& worker) {
  return fmt::format("worker {}/{}", worker.tenant().settings.name, worker.index());
}

}  // namespace

Task<Result<>> Reconfiguration::prepare(Loop& loop, const ipc::Settings& settings, Signal& news, Deadline deadline) {
  if (Result<> sealed = seal(settings); !sealed) co_return sealed;
  bool asked = false;
  for (;;) {
    if (!asked && settled()) {
      if (Result<> told = ask(); !told) co_return told;
      asked = true;
    }
    if (asked) {
      const Result<Answers> answered = answers();
      if (!answered) co_return fail(answered.error());
      if (*answered == Answers::kAll) co_return Result<>();
    }
    const Wake wake = co_await news.wait(loop, deadline);
    if (wake == Wake::kTimeout) co_return fail(Code::kTimeout, "not all workers have answered in time");
    news.clear();
  }
}

// Tenants are in the order of the settings: with others, or in another order, a new generation would be needed.
Result<> Reconfiguration::seal(const ipc::Settings& settings) {
  const std::vector<ipc::TenantSettings>& before = generation_.configuration().settings.tenants;
  for (std::size_t i = 0; i < settings.tenants.size(); ++i) {
    if (ipc::to_json(before[i]) == ipc::to_json(settings.tenants[i])) continue;
    Tenant& tenant = *generation_.tenants()[i];
    Result<Fd> file = other_settings_file(tenant, settings.tenants[i]);
    if (!file) return fail(std::move(file).error());
    Result<std::vector<Fd>> keys = open_keys(settings.tenants[i]);
    if (!keys) return fail(std::move(keys).error());
    changes_.push_back({.tenant = &tenant, .settings = *std::move(file), .keys = *std::move(keys), .asked = {}});
  }
  return include_keyholder();
}

Result<> Reconfiguration::include_keyholder() {
  if (std::ranges::all_of(changes_, [](const Change& change) { return change.keys.empty(); })) return {};
  for (const std::unique_ptr<Tenant>& tenant : generation_.tenants()) {
    if (!tenant->is_keyholder()) continue;
    Result<Fd> file = other_settings_file(*tenant, tenant->settings);
    if (!file) return fail(std::move(file).error());
    // first: a worker that has gone over must find its keys
    changes_.insert(changes_.begin(), {.tenant = tenant.get(), .settings = *std::move(file), .keys = {}, .asked = {}});
    return {};
  }
  return fail(Code::kUnsupported, "there is no keyholder yet");
}

bool Reconfiguration::settled() const {
  return std::ranges::none_of(generation_.workforce().workers(), [](const std::unique_ptr<Worker>& worker) {
    return worker->state() == WorkerState::kStarting;
  });
}

Result<> Reconfiguration::ask() {
  for (const Change& change : changes_)
    if (!change.keys.empty())
      (void)generation_.workforce().give_keys(change.tenant->settings.name, change.keys);  // one that starts gets them
  for (Change& change : changes_)
    for (const std::unique_ptr<Worker>& worker : generation_.workforce().workers()) {
      if (&worker->tenant() != change.tenant || !worker->ready()) continue;
      if (Result<> told = worker->prepare(number_, change.settings); !told)
        return fail(std::move(told).error().during(name_of(*worker)));
      change.asked.push_back(worker.get());
    }
  return {};
}

Result<Reconfiguration::Answers> Reconfiguration::answers() const {
  Answers all = Answers::kAll;
  for (const Change& change : changes_)
    for (const Worker* worker : change.asked) {
      if (worker->able() == Worker::Able::kNo)
        return fail(Code::kUnsupported, name_of(*worker) + ": " + worker->unable_because());
      if (worker->able() == Worker::Able::kNotAsked || !worker->ready())
        return fail(Code::kUnavailable, name_of(*worker) + " has ended meanwhile");
      if (worker->able() == Worker::Able::kAsked) all = Answers::kMissing;
    }
  return all;
}

Result<> Reconfiguration::adopt() {
  for (const Change& change : changes_)
    for (const std::unique_ptr<Worker>& worker : generation_.workforce().workers()) {
      if (&worker->tenant() != change.tenant || !has_process(worker->state())) continue;
      if (std::ranges::find(change.asked, worker.get()) == change.asked.end())
        return fail(Code::kUnavailable, name_of(*worker) + " has begun with the old settings meanwhile");
    }
  restart::fault_point(restart::FaultPoint::kInPlaceBefore, 0);
  for (Change& change : changes_) {
    change.tenant->settings_file = std::move(change.settings);
    if (!change.tenant->is_keyholder()) change.tenant->keys = std::move(change.keys);
    for (Worker* worker : change.asked) {
      worker->adopt();
      if (worker == change.asked.front()) restart::fault_point(restart::FaultPoint::kInPlaceMiddle, 0);
    }
  }
  return {};
}

}  // namespace sluice::supervisor
