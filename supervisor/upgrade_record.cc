// See upgrade_record.h.
#include "supervisor/upgrade_record.h"

#include "base/check.h"
#include "base/time.h"
#include "ipc/application.h"

namespace sluice::supervisor {
namespace {

std::int64_t now_unix_ms() {
  return std::chrono::duration_cast<Millis>(wall_now().time_since_epoch()).count();
}

}  // namespace

UpgradeRecord::UpgradeRecord(std::uint64_t number, std::string why)
    : number_(number), why_(std::move(why)), started_unix_ms_(now_unix_ms()) {}

UpgradeRecord::UpgradeRecord(const restart::SavedUpgrade& saved)
    : force(saved.force ? Force::kYes : Force::kNo),
      from(saved.from),
      to(saved.to),
      leaving(saved.leaving),
      changes(saved.changes),
      last_words(saved.last_words),
      ledger(restart::Ledger::from(saved.ledger)),
      number_(saved.number),
      why_(saved.why),
      started_unix_ms_(saved.started_unix_ms),
      reason_(saved.reason) {
  if (!saved.outcome.empty()) outcome_ = restart::parse_outcome(saved.outcome);
  for (const restart::SavedEvent& event : saved.events) {
    phase_ = restart::parse_phase(event.phase).value_or(restart::Phase::kFailed);  // read_state() has looked
    events_.push_back({.unix_ms = event.unix_ms, .phase = phase_, .text = event.text});
  }
  if (saved.problems.empty()) return;
  if (Result<settings::Problems> read = ipc::decode_problems(saved.problems)) problems = *std::move(read);
}

restart::SavedUpgrade UpgradeRecord::save() const {
  restart::SavedUpgrade out{.number = number_,
                            .why = why_,
                            .started_unix_ms = started_unix_ms_,
                            .events = {},
                            .outcome = outcome_ ? std::string(restart::name(*outcome_)) : std::string(),
                            .reason = reason_,
                            .force = force == Force::kYes,
                            .from = from,
                            .to = to,
                            .leaving = leaving,
                            .changes = changes,
                            .problems = problems.empty() ? std::string() : ipc::encode(problems),
                            .last_words = last_words,
                            .ledger = ledger.save()};
  for (const UpgradeEvent& event : events_)
    out.events.push_back(
        {.unix_ms = event.unix_ms, .phase = std::string(restart::name(event.phase)), .text = event.text});
  return out;
}

void UpgradeRecord::move_to(restart::Phase next, std::string text) {
  SLUICE_CHECK(restart::may_move(phase_, next), "a move that restart/phase.h does not have");
  phase_ = next;
  events_.push_back({.unix_ms = now_unix_ms(), .phase = next, .text = std::move(text)});
  tell();
}

void UpgradeRecord::decide(restart::Outcome outcome, std::string reason) {
  SLUICE_CHECK(!outcome_, "an upgrade has one outcome");
  outcome_ = outcome;
  reason_ = std::move(reason);
  tell();
}

void UpgradeRecord::tell() {
  for (Signal* watcher : watchers_) watcher->set();
}

UpgradeWatch::UpgradeWatch(UpgradeRecord& record) : record_(record) {
  record_.watchers_.push_back(&changed_);
}

UpgradeWatch::~UpgradeWatch() {
  std::erase(record_.watchers_, &changed_);
}

}  // namespace sluice::supervisor
