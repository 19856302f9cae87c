// See parent_state.h.
#include "supervisor/parent_state.h"

#include <algorithm>
#include <vector>

#include "restart/parent_state.h"

namespace sluice::supervisor {
namespace {

constexpr Millis kPatience{1000};

struct Note {
  Worker* from;
  Fd file;
};

bool hears(const Tenant& tenant) {
  return tenant.application->about.parents == ipc::ApplicationDescription::Parents::kHeard;
}

// Those of the new generation that go on with what the worker does.
std::vector<Worker*> heirs_of(const Worker& worker, const Generation& to) {
  const Tenant& tenant = worker.tenant();
  std::vector<Worker*> all;
  for (const std::unique_ptr<Worker>& one : to.workforce().workers())
    if (one->tenant().settings.name == tenant.settings.name && hears(one->tenant()) &&
        one->tenant().application->about.name == tenant.application->about.name)
      all.push_back(one.get());
  return all;
}

std::vector<Note> ask(const StateTransfer& transfer) {
  std::vector<Note> asked;
  for (const std::unique_ptr<Worker>& worker : transfer.from.workforce().workers()) {
    if (!worker->ready() || !hears(worker->tenant()) || heirs_of(*worker, transfer.to).empty()) continue;
    Result<Fd> file = restart::make_parent_state();
    if (!file || !worker->save_state(transfer.number, *file)) continue;
    asked.push_back({.from = worker.get(), .file = *std::move(file)});
  }
  return asked;
}

void complain(const StateTransfer& transfer, const Worker& from, const std::string& why) {
  transfer.log.warn("parent state lost",
                    {{"tenant", from.tenant().settings.name}, {"worker", from.index()}, {"why", why}});
}

// Fewer workers than before hear of several.
void give(const StateTransfer& transfer, Note note) {
  const Worker& from = *note.from;
  if (from.able() == Worker::Able::kNo) return complain(transfer, from, from.unable_because());
  if (from.able() != Worker::Able::kYes) return complain(transfer, from, "no answer");
  if (Result<> sealed = restart::seal_parent_state(note.file); !sealed)
    return complain(transfer, from, sealed.error().message());
  const std::vector<Worker*> heirs = heirs_of(from, transfer.to);
  heirs[from.index() % heirs.size()]->inherit(from.tenant().application->about.version, std::move(note.file));
}

}  // namespace

Task<> hand_states_on(const StateTransfer& transfer) {
  std::vector<Note> asked = ask(transfer);
  const Deadline deadline(steady_now() + kPatience);
  const auto waits = [](const Note& note) { return note.from->able() == Worker::Able::kAsked; };
  while (std::ranges::any_of(asked, waits)) {
    const Wake wake = co_await transfer.news.wait(transfer.loop, deadline);
    transfer.news.clear();
    if (wake == Wake::kTimeout) break;
  }
  for (Note& note : asked) give(transfer, std::move(note));
}

}  // namespace sluice::supervisor
