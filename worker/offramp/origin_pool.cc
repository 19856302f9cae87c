// See origin_pool.h.
#include "worker/offramp/origin_pool.h"

#include <algorithm>

#include "base/log.h"
#include "base/scope.h"
#include "worker/offramp/health_check.h"
#include "worker/offramp/upstream_report.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {
namespace {
// How often idle connections are looked at: a dead one holds a descriptor this long at most.
constexpr Millis kSweep(1000);
}  // namespace

UpstreamGroup& OriginPool::add(const ipc::UpstreamSettings& settings) {
  const auto index = static_cast<UpstreamIndex>(configured_.size());
  UpstreamGroup& group = *configured_.emplace_back(std::make_unique<UpstreamGroup>(settings, index));
  group.tell(*this);
  metrics_.upstream_health(index, group.well());
  return group;
}

std::shared_ptr<UpstreamGroup> OriginPool::forward(std::string_view host, std::uint16_t port) {
  key_.assign(host);
  for (char& c : key_) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
  key_ += ':';
  key_ += std::to_string(port);
  if (const auto found = forward_.find(key_); found != forward_.end()) return found->second;
  auto origin = std::make_shared<UpstreamGroup>(forward_settings_, key_.substr(0, host.size()), port);
  if (forward_.size() < kMostForwardOrigins) forward_.emplace(key_, origin);
  return origin;
}

Task<> OriginPool::run(Resolver& resolver) {
  if (report_ != nullptr) report_->write(configured_);
  HealthCheck check(loop_, resolver);
  Scope probes;
  for (const auto& group : configured_) {
    if (!group->settings().health.active.enabled) continue;
    for (Member& member : group->members())
      probes.spawn([&check, &group = *group, &member] { return check.watch(group, member); });
  }
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
