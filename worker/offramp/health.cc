// See health.h.
#include "worker/offramp/health.h"

#include <algorithm>

namespace sluice::worker {

bool Health::failed(const ipc::PassiveHealthSettings& settings, Nanos now) {
  ++failures_;
  if (ejected_ || failures_ < settings.failures) return false;
  const Nanos longest = std::max(settings.max_ejection_time, settings.ejection_time);
  const bool long_ago = last_time_ == Nanos(0) || now - until_ >= longest;
  last_time_ = long_ago ? Nanos(settings.ejection_time) : std::min(last_time_ * 2, longest);
  until_ = now + last_time_;
  ejected_ = true;
  failures_ = 0;
  ++ejections_;
  return true;
}

bool Health::returns(Nanos now) {
  if (!ejected_ || now < until_) return false;
  ejected_ = false;
  failures_ = 0;
  return true;
}

bool Health::probed(Probe result, const ipc::ActiveHealthSettings& settings) {
  const bool against = (result == Probe::kSucceeded) == down_;
  streak_ = against ? streak_ + 1 : 0;
  if (streak_ < (down_ ? settings.rise : settings.fall)) return false;
  down_ = !down_;
  streak_ = 0;
  return true;
}

}  // namespace sluice::worker
