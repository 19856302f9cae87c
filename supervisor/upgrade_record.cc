// See upgrade_record.h.
#include "supervisor/upgrade_record.h"

#include "base/check.h"
#include "base/time.h"

namespace sluice::supervisor {
namespace {

std::int64_t now_unix_ms() {
  return std::chrono::duration_cast<Millis>(wall_now().time_since_epoch()).count();
}

}  // namespace

UpgradeRecord::UpgradeRecord(std::uint64_t number, std::string why)
    : number_(number), why_(std::move(why)), started_unix_ms_(now_unix_ms()) {}

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
