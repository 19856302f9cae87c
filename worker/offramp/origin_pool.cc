// See origin_pool.h.
#include "worker/offramp/origin_pool.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/ascii.h"
#include "base/log.h"
#include "ipc/settings/settings.h"
#include "worker/offramp/upstream_report.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {
namespace {
// How often idle connections are looked at: a dead one holds a descriptor this long at most.
constexpr Millis kSweep(1000);
}  // namespace

void OriginPool::adopt(UpstreamGroups groups, const std::vector<ipc::UpstreamSettings>& settings,
                       const TlsClients& tls) {
  const UpstreamGroups before = std::exchange(configured_, std::move(groups));
  const std::set<std::shared_ptr<UpstreamGroup>> old(before.begin(), before.end());
  const std::set<std::shared_ptr<UpstreamGroup>> now(configured_.begin(), configured_.end());
  for (const auto& group : before) {
    if (now.contains(group)) continue;
    probes_.erase(group.get());
    group->retire(metrics_);
    metrics_.upstream_health(group->index(), 0);
  }
  for (std::size_t i = 0; i < configured_.size(); ++i) {
    UpstreamGroup& group = *configured_[i];
    if (old.contains(configured_[i])) {
      if (ipc::same(group.settings(), settings[i])) continue;
      probes_.erase(&group);  // they hold its settings
      group.adopt(std::make_shared<const ipc::UpstreamSettings>(settings[i]), loop_.now(), metrics_);
      metrics_.circuit_changed(group.index(), group.circuit() == Circuit::State::kClosed ? 0 : 1);
    }
    group.secure(tls[i], loop_.now(), metrics_);
    if (tls[i] != nullptr && settings[i].tls.verify == ipc::VerifyOrigin::kInsecure)
      log_.warn("origins are not verified", {{"upstream", group.name()}, {"why", "tls.verify is insecure"}});
    group.tell(*this);
    metrics_.upstream_health(group.index(), group.well());
    probe(group);
  }
  if (report_ != nullptr) report_->write(configured_);
}

void OriginPool::probe(UpstreamGroup& group) {
  if (!check_ || !group.settings().health.active.enabled) return;
  for (Member& member : group.members())
    probes_[&group].spawn([this, &group, &member] { return check_->watch(group, member); });
}

std::shared_ptr<UpstreamGroup> OriginPool::forward(std::string_view host, std::uint16_t port) {
  key_.assign(host);
  std::ranges::transform(key_, key_.begin(), to_lower);
  key_ += ':';
  key_ += std::to_string(port);
  if (const auto found = forward_.find(key_); found != forward_.end()) return found->second;
  auto origin = std::make_shared<UpstreamGroup>(forward_settings_, key_.substr(0, host.size()), port);
  if (forward_.size() < kMostForwardOrigins) forward_.emplace(key_, origin);
  return origin;
}

Task<> OriginPool::run(Resolver& resolver) {
  if (report_ != nullptr) report_->write(configured_);
  check_.emplace(loop_, resolver);
  for (const auto& group : configured_) probe(*group);
  for (;;) {
    co_await loop_.sleep(kSweep);
    for (const auto& group : configured_) group->sweep(loop_.now(), metrics_);
    if (report_ != nullptr) report_->write(configured_);
    for (auto& [key, origin] : forward_) origin->sweep(loop_.now(), metrics_);
    std::erase_if(forward_,
                  [](const auto& entry) { return entry.second->idle() == 0 && entry.second.use_count() == 1; });
  }
}

// What an operator wants to know at night: who is out, and why.
void OriginPool::happened(const UpstreamGroup& group, const Member* member, UpstreamEvent event, const Error* why) {
  const std::string server =
      member == nullptr ? "" : HostPort{.host = member->server->host(), .port = member->server->port()}.text();
  const std::string error = why == nullptr ? "" : why->message();
  const std::string& name = group.name();
  switch (event) {
    case UpstreamEvent::kEjected: {
      const auto left = std::chrono::floor<Millis>(member->health.until() - loop_.now());
      log_.warn("server ejected",
                {{"upstream", name}, {"server", server}, {"error", error}, {"milliseconds", left.count()}});
      metrics_.server_ejected(group.index());
      break;
    }
    case UpstreamEvent::kReturned:
      log_.info("server returned", {{"upstream", name}, {"server", server}});
      break;
    case UpstreamEvent::kDown:
      log_.warn("server down", {{"upstream", name}, {"server", server}, {"error", error}});
      break;
    case UpstreamEvent::kUp:
      log_.info("server up", {{"upstream", name}, {"server", server}});
      break;
    case UpstreamEvent::kPanic:
      log_.warn("upstream in panic", {{"upstream", name}, {"well", group.well()}});
      break;
    case UpstreamEvent::kCalm:
      log_.info("upstream calm", {{"upstream", name}, {"well", group.well()}});
      break;
    case UpstreamEvent::kCircuit:
      log_.warn("circuit", {{"upstream", name}, {"state", worker::name(group.circuit())}});
      metrics_.circuit_changed(group.index(), group.circuit() == Circuit::State::kClosed ? 0 : 1);
      break;
  }
  metrics_.upstream_health(group.index(), group.well());
  if (report_ != nullptr) report_->write(configured_);
}

std::size_t OriginPool::idle() const {
  std::size_t total = 0;
  for (const auto& group : configured_) total += group->idle();
  for (const auto& [key, origin] : forward_) total += origin->idle();
  return total;
}

}  // namespace sluice::worker
