// How a group that is in use gets other settings. See upstream.h.
#include "worker/offramp/upstream.h"

namespace sluice::worker {

void UpstreamGroup::adopt(Settings settings, Nanos now, PathMetrics& metrics) {
  const Settings before = std::exchange(settings_, std::move(settings));
  most_places_ = most_places(*settings_);
  make_members();
  for (const std::unique_ptr<Own>& own : gone_) {
    own->server.speak(settings_->http);
    own->server.adopt(settings_->off_ramp, metrics);
    own->server.renew(Nanos::max(), metrics);
  }
  std::erase_if(gone_, [](const std::unique_ptr<Own>& own) { return own->member.places == 0; });
  for (const std::unique_ptr<Own>& own : own_) {
    own->server.adopt(settings_->off_ramp, metrics);
    // connections that began without a header, or with another one
    if (before->send_proxy != settings_->send_proxy || before->http != settings_->http) own->server.renew(now, metrics);
    if (!settings_->health.active.enabled) own->member.health.forget_probes();
  }
  if (!settings_->circuit.enabled) {
    circuit_.reset();
  } else if (!circuit_ || circuit_->settings() != settings_->circuit) {
    circuit_.emplace(settings_->circuit);
  }
  if (before->retry != settings_->retry) budget_ = RetryBudget(settings_->retry);
  settle(now);
}

void UpstreamGroup::secure(const std::shared_ptr<const TlsClient>& tls, Nanos now, PathMetrics& metrics) {
  tls_ = tls;
  for (const std::unique_ptr<Own>& own : own_) own->server.secure(tls, now, metrics);
}

void UpstreamGroup::retire(PathMetrics& metrics) {
  for (const std::unique_ptr<Own>& own : own_) own->server.renew(Nanos::max(), metrics);
}

}  // namespace sluice::worker
