// Upgrades on their way from one program to the next: save() and go_on().
#include "supervisor/upgrader.h"

namespace sluice::supervisor {

void Upgrader::save(restart::SavedState& state) const {
  for (const std::shared_ptr<UpgradeRecord>& record : records_) state.upgrades.push_back(record->save());
  state.last_upgrade = last_number_;
  state.last_settings = last_settings_;
  state.running = running_ != nullptr ? running_->number() : 0;
  state.pending = pending_ != nullptr ? pending_->number() : 0;
}

void Upgrader::go_on(const Takeover& from) {
  const restart::SavedState& state = from.state();
  for (const restart::SavedUpgrade& saved : state.upgrades) records_.push_back(std::make_shared<UpgradeRecord>(saved));
  last_number_ = state.last_upgrade;
  last_settings_ = state.last_settings;
  if (state.running != 0) running_ = find(state.running);
  if (state.pending != 0) pending_ = find(state.pending);
  checked_ = state.checked;
  returned_ = from.returned();
}

}  // namespace sluice::supervisor
