// PathMetrics: the numbers of the request path, in the shared slab (docs/metrics.md lists them all).
//
// Series with labels known at start (endpoints, upstreams) are looked up once in the constructor; those whose label
// comes with the traffic (status, error code) when they first happen, from a closed set, so a client can make no
// series. After that a count is a load and a store in shared memory. The reader adds the labels tenant and worker.
// Owned by the worker's main; everybody on the path holds a reference.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "proto/http2/flood.h"
#include "worker/telemetry/record.h"

namespace sluice::ipc {
class MetricsWriter;
}

namespace sluice::worker {

/// Which hook decided.
enum class HookKind : std::uint8_t { kIngress, kEgress, kHttp, kHandOver };
[[nodiscard]] std::string_view name(HookKind kind);

/// Where the answer to a lookup came from.
enum class DnsSource : std::uint8_t { kCache, kHosts, kServer };
[[nodiscard]] std::string_view name(DnsSource source);

/// Why a connection was closed before it was served.
enum class Refused : std::uint8_t { kHook, kUntrusted, kProxyHeader, kSourceConnections, kSourceRate, kMemory };
[[nodiscard]] std::string_view name(Refused why);

/// What the sampler reads now and then (sampler.h).
struct ProcessSample {
  std::uint64_t buffer_blocks = 0;
  std::uint64_t coroutine_frames = 0;
  std::uint64_t bugs = 0;
  std::uint64_t log_lines_lost = 0;
  std::uint64_t access_lines = 0;
  std::uint64_t access_lines_lost = 0;
  std::chrono::nanoseconds processor_time{};  ///< used by this process since it started
  std::chrono::nanoseconds loop_lag{};        ///< how late the loop woke the sampler
};

/// Why a request got no place at its upstream.
enum class UpstreamRefused : std::uint8_t { kQueueFull, kQueueExpired, kClientLeft, kNoServer, kCircuitOpen };
[[nodiscard]] std::string_view name(UpstreamRefused why);

/// How a TLS connection began.
enum class Handshake : std::uint8_t { kFull, kResumed };
[[nodiscard]] std::string_view name(Handshake handshake);

/// Why a request was refused before anything was done for it.
enum class RequestRefused : std::uint8_t { kSourceRate, kTenantRate, kMemory };
[[nodiscard]] std::string_view name(RequestRefused why);

/// Why no connections are accepted for a while.
enum class AcceptPaused : std::uint8_t { kConnections, kDescriptors };
[[nodiscard]] std::string_view name(AcceptPaused why);

class PathSeries;

class PathMetrics {
 public:
  PathMetrics(ipc::MetricsWriter& writer, const TrafficNames& names);
  PathMetrics(PathMetrics&&) = delete;
  ~PathMetrics();

  /// Makes series for names that have been added.
  void learn(const TrafficNames& names);

  // client connections
  void connection_accepted(EndpointIndex endpoint);
  /// One that another worker has accepted.
  void connection_taken(EndpointIndex endpoint);
  void connection_closed(EndpointIndex endpoint);
  void connection_refused(EndpointIndex endpoint, Refused why);
  void accept_paused(AcceptPaused why);
  /// It speaks TLS, so long after its accept.
  void client_secured(EndpointIndex endpoint, Handshake handshake, std::chrono::nanoseconds took);
  void client_not_secured(EndpointIndex endpoint, Code why);
  /// An HTTP/2 connection was ended because of it.
  void http2_flooded(EndpointIndex endpoint, http2::Flood flood);

  /// A request began; request_finished() ends it.
  void request_started(EndpointIndex endpoint);
  void request_refused(EndpointIndex endpoint, RequestRefused why);
  /// Counts a finished request or tunnel: status, duration, bytes, ending, error.
  void request_finished(const AccessRecord& record);

  /// A tunnel runs from here until request_finished() with Kind::kTunnel.
  void tunnel_opened(EndpointIndex endpoint);

  // hand-over between generations
  void handed_over(Moving what);
  void hand_over_failed(Moving what);
  void taken_over(Moving what);
  /// A tunnel that began with tunnel_opened() goes on in another worker.
  void tunnel_handed_over(EndpointIndex endpoint);
  /// A tunnel of another worker runs from here until tunnel_left(), its connection to the origin with it; when it ends
  /// here, tunnel_finished() counts the whole of it.
  void tunnel_taken(EndpointIndex endpoint, UpstreamIndex upstream);
  void tunnel_left(EndpointIndex endpoint, UpstreamIndex upstream);
  void tunnel_finished(const AccessRecord& record);

  // origin connections; kNoUpstream where the client chose the origin
  void origin_connected(UpstreamIndex upstream, std::chrono::nanoseconds took);
  /// … and it speaks TLS.
  void origin_secured(UpstreamIndex upstream, Handshake handshake);
  void origin_failed(UpstreamIndex upstream, Code code);
  void origin_reused(UpstreamIndex upstream);
  /// The head of its final response has come, so long after the request began to be sent.
  void origin_answered(UpstreamIndex upstream, std::chrono::nanoseconds took);
  void origin_closed(UpstreamIndex upstream);

  // requests in an upstream's line
  void queue_joined(UpstreamIndex upstream);
  void queue_left(UpstreamIndex upstream);
  void upstream_refused(UpstreamIndex upstream, UpstreamRefused why);

  // how upstreams are
  void upstream_health(UpstreamIndex upstream, std::uint32_t servers_well);
  void server_ejected(UpstreamIndex upstream);
  void circuit_changed(UpstreamIndex upstream, std::int64_t open);
  void retried(UpstreamIndex upstream);
  void retry_denied(UpstreamIndex upstream);

  void hook_decided(HookKind kind, Verdict verdict);

  void dns_answered(DnsSource source);
  void dns_failed(Code code);

  void sample(const ProcessSample& sample);

 private:
  void count_end(const AccessRecord& record);

  std::unique_ptr<PathSeries> series_;
};

}  // namespace sluice::worker
