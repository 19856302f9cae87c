// PathSeries: the handles behind PathMetrics, one struct per endpoint and per upstream. Here are the names, the helps
// and the buckets of the path's metrics (docs/metrics.md is compared with them by a test); metrics.cc does the
// counting.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "ipc/metrics.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {

template <class Enum>
constexpr std::size_t slot_of(Enum value) {
  return static_cast<std::size_t>(value);
}

inline constexpr std::size_t kCodes = slot_of(Code::kProtocol) + 1;
inline constexpr std::size_t kStatusSlots = 41;

/// The series that a status is counted in: common ones have their own, any other is counted as its class, so that an
/// origin that makes up statuses makes no series.
[[nodiscard]] std::size_t status_slot(std::uint16_t status);
/// "200", "2xx", "none".
[[nodiscard]] std::string status_name(std::size_t slot);

/// Counters of one name whose last label comes from a closed set: each is registered when it is first counted, so what
/// never happens takes no place in the slab.
template <std::size_t kSize>
class LazyCounters {
 public:
  /// `make` registers the counter.
  template <class Make>
  void count(std::size_t slot, Make make) {
    if (!made_.at(slot)) {
      counters_.at(slot) = make();
      made_.at(slot) = true;
    }
    counters_.at(slot).add(1);
  }

 private:
  std::array<ipc::Counter, kSize> counters_{};
  std::array<bool, kSize> made_{};
};

/// Follows a count that somebody else keeps since this process started; the counter goes on from the last incarnation.
class Mirror {
 public:
  Mirror() = default;
  explicit Mirror(ipc::Counter counter) : counter_(counter) {}
  void follow(std::uint64_t now) {
    counter_.add(now - seen_);
    seen_ = now;
  }

 private:
  ipc::Counter counter_;
  std::uint64_t seen_ = 0;
};

class EndpointSeries {
 public:
  EndpointSeries(ipc::MetricsWriter& to, const std::string& name, std::vector<std::string> routes);

  void count_refused(Refused why);
  void count_request_refused(RequestRefused why);
  void count_flood(http2::Flood flood);
  void count_handshake(Handshake handshake, double seconds);
  void count_handshake_failure(Code code);
  void count_status(std::uint16_t status);
  void count_cut(Ended by);
  void count_error(Code code);
  /// Routes that nobody takes have no series.
  void observe_route(RouteIndex route, double seconds);
  /// The routes that are new in the list.
  void learn(const std::vector<std::string>& routes);

  ipc::Counter accepted;
  ipc::Gauge connections;
  ipc::Gauge requests_open;
  ipc::Histogram duration;
  ipc::Counter received;
  ipc::Counter sent;
  ipc::Counter tunnels;
  ipc::Gauge tunnels_open;
  ipc::Histogram tunnel_duration;
  ipc::Counter tunnel_received;
  ipc::Counter tunnel_sent;

 private:
  struct Route {
    std::string name;
    std::optional<ipc::Histogram> duration;
  };

  ipc::MetricsWriter& to_;
  std::string name_;
  LazyCounters<slot_of(Refused::kMemory) + 1> refused_;
  LazyCounters<slot_of(RequestRefused::kMemory) + 1> requests_refused_;
  LazyCounters<http2::kFloods> floods_;
  LazyCounters<slot_of(Handshake::kResumed) + 1> handshakes_;
  LazyCounters<kCodes> handshake_failures_;
  std::optional<ipc::Histogram> handshake_duration_;
  std::vector<Route> routes_;
  LazyCounters<kStatusSlots> statuses_;
  LazyCounters<slot_of(Ended::kTimeout) + 1> cut_;
  LazyCounters<kCodes> errors_;
};

class UpstreamSeries {
 public:
  UpstreamSeries(ipc::MetricsWriter& to, const std::string& name);

  void count_failure(Code code);
  void count_refused(UpstreamRefused why);
  void count_handshake(Handshake handshake);

  ipc::Counter connects;
  ipc::Counter reuses;
  ipc::Gauge connections;
  ipc::Histogram connect_duration;
  ipc::Histogram response_time;
  ipc::Counter queued;
  ipc::Gauge queue;
  ipc::Gauge well;
  ipc::Gauge circuit_open;
  ipc::Counter ejections;
  ipc::Counter retries;
  ipc::Counter retries_denied;

 private:
  ipc::MetricsWriter& to_;
  std::string name_;
  LazyCounters<kCodes> failures_;
  LazyCounters<slot_of(UpstreamRefused::kCircuitOpen) + 1> refused_;
  LazyCounters<slot_of(Handshake::kResumed) + 1> handshakes_;
};

class PathSeries {
 public:
  PathSeries(ipc::MetricsWriter& writer, const TrafficNames& names);

  [[nodiscard]] EndpointSeries& endpoint(EndpointIndex at) { return endpoints_.at(at); }
  [[nodiscard]] UpstreamSeries& upstream(UpstreamIndex at) { return at == kNoUpstream ? unnamed_ : upstreams_.at(at); }
  void learn(const TrafficNames& names);
  void count_decision(HookKind kind, Verdict verdict);
  void count_dns_failure(Code code);
  void count_pause(AcceptPaused why);
  void count_handed_over(Moving what);
  void count_hand_over_failed(Moving what);
  void count_taken_over(Moving what);
  /// Says how many series found no place in the slab.
  void show_dropped() { dropped_.set(static_cast<std::int64_t>(to_.dropped())); }

  std::array<ipc::Counter, slot_of(DnsSource::kServer) + 1> dns;  // by source
  ipc::Gauge buffer_blocks;
  ipc::Gauge frames;
  ipc::Histogram loop_lag;
  Mirror processor_time;
  Mirror bugs;
  Mirror log_lost;
  Mirror access_lines;
  Mirror access_lost;

 private:
  ipc::MetricsWriter& to_;
  ipc::Gauge dropped_;  // registered first, so that it has a place itself
  std::vector<EndpointSeries> endpoints_;
  std::vector<UpstreamSeries> upstreams_;
  UpstreamSeries unnamed_;  // kNoUpstream's
  std::array<LazyCounters<slot_of(Verdict::kFailed) + 1>, slot_of(HookKind::kHandOver) + 1> decisions_;
  LazyCounters<kCodes> dns_failures_;
  LazyCounters<slot_of(AcceptPaused::kDescriptors) + 1> pauses_;
  LazyCounters<slot_of(Moving::kTunnel) + 1> handed_over_;
  LazyCounters<slot_of(Moving::kTunnel) + 1> hand_over_failed_;
  LazyCounters<slot_of(Moving::kTunnel) + 1> taken_over_;
};

}  // namespace sluice::worker
