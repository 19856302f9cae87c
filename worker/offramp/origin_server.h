// OriginServer: one place we connect to, with the idle connections kept for it.
//
// Connections are used last in, first out: the hot ones stay hot and the others age out. One is used again only while
// it is alive, younger than `pool.max_age`, has not carried `pool.requests_per_connection` requests, and has idled for
// less than `pool.idle_timeout` and than what the origin said in Keep-Alive.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "ipc/settings/off_ramp.h"
#include "ipc/settings/upstream_http.h"
#include "worker/offramp/origin_connection.h"
#include "worker/offramp/shared_connections.h"
#include "worker/offramp/source_addresses.h"
#include "worker/telemetry/record.h"

namespace sluice::worker {

class PathMetrics;

/// What a request may do when the reused connection turns out to be dead.
enum class IfDead : std::uint8_t {
  kTryAgain,  ///< it is sent again on another one, so nothing more is asked beforehand
  kLost,      ///< it may not be repeated: worth a system call to ask the kernel once more
};

class OriginServer {
 public:
  OriginServer(std::string host, std::uint16_t port, UpstreamIndex upstream, const ipc::OffRampSettings& settings)
      : host_(std::move(host)),
        port_(port),
        upstream_(upstream),
        settings_(&settings),
        sources_(settings.source_addresses) {}
  OriginServer(OriginServer&&) = delete;

  [[nodiscard]] const std::string& host() const { return host_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] UpstreamIndex upstream() const { return upstream_; }
  [[nodiscard]] const ipc::OffRampSettings& settings() const { return *settings_; }
  [[nodiscard]] const SourceAddresses& sources() const { return sources_; }
  [[nodiscard]] OriginTimeouts timeouts() const {
    return {.first_byte = settings_->first_byte_timeout,
            .idle = settings_->idle_timeout,
            .write = settings_->write_timeout};
  }

  /// HTTP is spoken so from now on. Lifetime: the settings until the next ones.
  void speak(const ipc::UpstreamHttpSettings& http);
  [[nodiscard]] const ipc::UpstreamHttpSettings& http() const { return *http_; }
  /// Its HTTP/2 connections; null when it is not spoken.
  [[nodiscard]] SharedConnections* shared() const { return http2_ ? shared_.get() : nullptr; }

  /// Which version the last connection to it got, when it is for the server to choose.
  void chose(ipc::HttpVersion version) { chose_http1_ = version == ipc::HttpVersion::kHttp1; }
  [[nodiscard]] bool chose_http1() const { return chose_http1_; }

  /// How TLS is spoken to it; null: not at all.
  [[nodiscard]] const std::shared_ptr<const TlsClient>& tls() const { return tls_; }
  /// Sessions to resume; null without TLS.
  [[nodiscard]] const std::shared_ptr<TlsSessions>& sessions() const { return sessions_; }
  /// TLS is spoken so from now on: connections and sessions from before are for nobody.
  void secure(std::shared_ptr<const TlsClient> tls, Nanos now, PathMetrics& metrics);

  /// The most recently used idle connection that is fit for another request; those that are not are closed on the way.
  /// Null when there is none.
  [[nodiscard]] std::unique_ptr<OriginConnection> take(Nanos now, IfDead if_dead, PathMetrics& metrics);
  /// Takes a connection back after a complete exchange, or closes it when it is not fit or there is no room.
  void give_back(std::unique_ptr<OriginConnection> connection, Nanos now, PathMetrics& metrics);
  /// Closes what died, idled too long or is too old.
  void sweep(Nanos now, PathMetrics& metrics);
  /// Closes the connection that has idled longest. False when there is none.
  bool close_oldest_idle(PathMetrics& metrics);
  /// Closes all idle connections.
  void close_idle(PathMetrics& metrics);
  /// Other settings hold from now on, but for `source_addresses`. Lifetime: as the first ones.
  void adopt(const ipc::OffRampSettings& settings, PathMetrics& metrics);
  /// No connection that was made before `since` is used for another request.
  void renew(Nanos since, PathMetrics& metrics);
  [[nodiscard]] std::size_t idle() const { return idle_.size() + (shared_ == nullptr ? 0 : shared_->idle()); }
  /// Since when the one that has idled longest idles, of those that carry one request at a time; 0 when there is none.
  [[nodiscard]] Nanos oldest_idle() const { return idle_.empty() ? Nanos(0) : idle_.front()->idle_since; }

 private:
  [[nodiscard]] bool fit(OriginConnection& connection, Nanos now) const;

  std::string host_;
  std::uint16_t port_;
  UpstreamIndex upstream_;
  const ipc::OffRampSettings* settings_;
  SourceAddresses sources_;
  const ipc::UpstreamHttpSettings* http_ = nullptr;
  bool http2_ = false;
  bool chose_http1_ = false;
  std::unique_ptr<SharedConnections> shared_;  // since HTTP/2 was spoken first
  std::shared_ptr<const TlsClient> tls_;
  std::shared_ptr<TlsSessions> sessions_;
  Nanos not_before_{-1};                                 // of connections that may be used again
  std::vector<std::unique_ptr<OriginConnection>> idle_;  // the last one was used last
};

}  // namespace sluice::worker
