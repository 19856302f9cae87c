// OriginServer: one place we connect to, with the idle connections kept for it; OriginPool: all of them.
//
// Reverse proxying knows its servers from the configuration and holds pointers to them, so the usual request looks
// nothing up. Forward proxying makes servers as they are asked for, keyed by host and port, and forgets those that hold
// no connection. Connections are used last in, first out: the hot ones stay hot and the others age out. Reverse and
// forward never share a connection, because the egress policy was asked for the one and not for the other.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ipc/settings/off_ramp.h"
#include "worker/offramp/origin_connection.h"
#include "worker/telemetry/record.h"

namespace sluice::worker {

class PathMetrics;

class OriginServer {
 public:
  OriginServer(std::string host, std::uint16_t port, UpstreamIndex upstream, const ipc::OffRampSettings& settings)
      : host_(std::move(host)), port_(port), upstream_(upstream), settings_(settings) {}
  OriginServer(OriginServer&&) = delete;

  [[nodiscard]] const std::string& host() const { return host_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] UpstreamIndex upstream() const { return upstream_; }
  [[nodiscard]] const ipc::OffRampSettings& settings() const { return settings_; }
  [[nodiscard]] OriginTimeouts timeouts() const {
    return {
        .first_byte = settings_.first_byte_timeout, .idle = settings_.idle_timeout, .write = settings_.write_timeout};
  }

  /// The most recently used idle connection that is still alive; dead ones are closed on the way. Null when there is
  /// none.
  [[nodiscard]] std::unique_ptr<OriginConnection> take(PathMetrics& metrics);
  /// Takes a connection back after a complete exchange, or closes it when it is not fit or there is no room.
  void give_back(std::unique_ptr<OriginConnection> connection, Nanos now, PathMetrics& metrics);
  /// Closes what died or idled too long.
  void sweep(Nanos now, PathMetrics& metrics);
  [[nodiscard]] std::size_t idle() const { return idle_.size(); }

 private:
  std::string host_;
  std::uint16_t port_;
  UpstreamIndex upstream_;
  const ipc::OffRampSettings& settings_;
  std::vector<std::unique_ptr<OriginConnection>> idle_;  // the last one was used last
};

class OriginPool {
 public:
  /// Forward servers with idle connections that are remembered; beyond it a connection is closed after its exchange.
  static constexpr std::size_t kMostForwardServers = 4096;

  OriginPool(Loop& loop, PathMetrics& metrics) : loop_(loop), metrics_(metrics) {}
  OriginPool(OriginPool&&) = delete;

  /// A server of the configuration; lives as long as the pool.
  OriginServer& add(std::string host, std::uint16_t port, UpstreamIndex upstream, const ipc::OffRampSettings& settings);
  /// The server for a host and port that a client named. Shared: an exchange holds it while the pool may forget it.
  [[nodiscard]] std::shared_ptr<OriginServer> forward(std::string_view host, std::uint16_t port,
                                                      const ipc::OffRampSettings& settings);
  /// Sweeps idle connections, for ever; spawned by the worker.
  Task<> run();
  [[nodiscard]] std::size_t idle() const;

 private:
  Loop& loop_;
  PathMetrics& metrics_;
  std::vector<std::unique_ptr<OriginServer>> configured_;
  std::unordered_map<std::string, std::shared_ptr<OriginServer>> forward_;
  std::string key_;  // scratch for lookups, so that a hit allocates nothing
};

}  // namespace sluice::worker
