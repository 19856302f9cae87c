// Which servers of a group are well, and what that means for the requests. See upstream.h and health.h.
#include <algorithm>

#include "worker/offramp/upstream.h"

namespace sluice::worker {
namespace {

// Steps in which a server that has come back gets its share, and what it gets at first.
constexpr int kWarmUpSteps = 20;
constexpr std::int64_t kFirstShare = 10;  // percent

}  // namespace

void UpstreamGroup::say(const Member* member, UpstreamEvent event, const Error* why) {
  if (watcher_ != nullptr) watcher_->happened(*this, member, event, why);
}

std::uint32_t UpstreamGroup::well() const {
  return static_cast<std::uint32_t>(
      std::ranges::count_if(members_, [](const Member& member) { return member.active && member.health.well(); }));
}

void UpstreamGroup::settle(Nanos now) {
  const auto active = static_cast<std::uint32_t>(std::ranges::count_if(members_, &Member::active));
  const bool panic = std::uint64_t{well()} * 100 < std::uint64_t{settings_->health.panic_threshold} * active;
  serving_ = 0;
  next_change_ = Nanos::max();
  bool weights_changed = false;
  for (Member& member : members_) {
    member.serving = member.active && (panic || member.health.well());
    if (member.serving) ++serving_;
    next_change_ = std::min(next_change_, member.health.until());
    if (member.warming_since != Nanos(0)) {
      weights_changed = warm_up(member, now) || weights_changed;
      if (member.warming_since != Nanos(0))
        next_change_ = std::min(next_change_, now + Nanos(settings_->health.slow_start) / kWarmUpSteps);
    }
  }
  if (weights_changed) balancer_->weights_changed();
  if (panic != panic_) {
    panic_ = panic;
    say(nullptr, panic ? UpstreamEvent::kPanic : UpstreamEvent::kCalm);
  }
  line_.call();
}

bool UpstreamGroup::warm_up(Member& member, Nanos now) const {
  const Nanos whole = settings_->health.slow_start;
  const Nanos passed = now - member.warming_since;
  std::int64_t share = Member::kFullShare;
  if (passed < whole) {
    share = std::max<std::int64_t>(kFirstShare, passed * std::int64_t{Member::kFullShare} / whole);
  } else {
    member.warming_since = Nanos(0);
  }
  const auto weight = static_cast<std::uint32_t>(member.base_weight * share);
  return std::exchange(member.weight, weight) != weight;
}

void UpstreamGroup::refresh(Nanos now) {
  for (Member& member : members_) {
    if (!member.health.returns(now)) continue;
    if (member.health.well() && settings_->health.slow_start != Millis(0)) member.warming_since = now;
    say(&member, UpstreamEvent::kReturned);
  }
  settle(now);
}

bool UpstreamGroup::circuit_admits(Nanos now) {
  const Circuit::State before = circuit_->state();
  const bool admitted = circuit_->lets_through(now);
  if (circuit_->state() != before) say(nullptr, UpstreamEvent::kCircuit);
  return admitted;
}

void UpstreamGroup::report(Circuit::Outcome outcome, Nanos now) {
  if (circuit_->report(outcome, now)) say(nullptr, UpstreamEvent::kCircuit);
}

void UpstreamGroup::failed(Member& member, const Error& error, Nanos now) {
  member.failures += 1;
  member.last_error = error.code();
  member.last_error_at = now;
  if (circuit_) report(Circuit::Outcome::kFailure, now);
  // without another server there is nowhere else to go
  if (!settings_->health.passive.enabled || members_.size() == 1) return;
  if (!member.health.failed(settings_->health.passive, now)) return;
  say(&member, UpstreamEvent::kEjected, &error);
  settle(now);
}

void UpstreamGroup::probed(Member& member, const Result<>& result, Nanos now) {
  if (!result) {
    member.last_error = result.error().code();
    member.last_error_at = now;
  }
  const Probe probe = result ? Probe::kSucceeded : Probe::kFailed;
  if (!member.health.probed(probe, settings_->health.active)) return;
  if (member.health.well() && settings_->health.slow_start != Millis(0)) member.warming_since = now;
  if (result) {
    say(&member, UpstreamEvent::kUp);
  } else {
    say(&member, UpstreamEvent::kDown, &result.error());
  }
  settle(now);
}

}  // namespace sluice::worker
