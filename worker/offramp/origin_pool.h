// OriginPool: all groups of servers, for what concerns every one of them: closing what idles too long, and the groups
// of one that forward proxying makes as they are asked for.
//
// Reverse proxying knows its servers from the configuration and holds pointers to them, so the usual request looks
// nothing up. Forward origins are keyed by host and port and forgotten when they hold no connection. Reverse and
// forward never share a connection, because the egress policy was asked for the one and not for the other.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/scope.h"
#include "worker/offramp/health_check.h"
#include "worker/offramp/upstream.h"

namespace sluice {
class Log;
}

namespace sluice::worker {

class PathMetrics;
class Resolver;
class UpstreamReport;

class OriginPool : private UpstreamWatcher {
 public:
  /// Forward origins with idle connections that are remembered; beyond it a connection is closed after its exchange.
  static constexpr std::size_t kMostForwardOrigins = 4096;

  OriginPool(Loop& loop, Log& log, PathMetrics& metrics, const ipc::OffRampSettings& forward)
      : loop_(loop), log_(log), metrics_(metrics), forward_settings_{.off_ramp = forward} {}
  OriginPool(OriginPool&&) = delete;
  ~OriginPool() override = default;

  /// From now on it is reported there how the groups are. Lifetime: as long as the pool.
  void report_to(UpstreamReport& report) { report_ = &report; }
  /// These are the groups of the configuration from now on, with these settings, and TLS to each of them. Those that
  /// were among them before keep what they have; those that are not any more are retired.
  void adopt(UpstreamGroups groups, const std::vector<ipc::UpstreamSettings>& settings, const TlsClients& tls);
  [[nodiscard]] const UpstreamGroups& configured() const { return configured_; }
  /// The origin that a client named. Shared: an exchange holds it while the pool may forget it.
  [[nodiscard]] std::shared_ptr<UpstreamGroup> forward(std::string_view host, std::uint16_t port);
  /// Sweeps idle connections and probes servers, for ever; spawned by the worker.
  Task<> run(Resolver& resolver);
  [[nodiscard]] std::size_t idle() const;

 private:
  void probe(UpstreamGroup& group);
  void happened(const UpstreamGroup& group, const Member* member, UpstreamEvent event, const Error* why) override;

  Loop& loop_;
  Log& log_;
  PathMetrics& metrics_;
  UpstreamReport* report_ = nullptr;
  ipc::UpstreamSettings forward_settings_;
  UpstreamGroups configured_;
  std::unordered_map<std::string, std::shared_ptr<UpstreamGroup>> forward_;
  std::string key_;                   // scratch for lookups, so that a hit allocates nothing
  std::optional<HealthCheck> check_;  // from run() on
  std::map<const UpstreamGroup*, Scope> probes_;
};

}  // namespace sluice::worker
