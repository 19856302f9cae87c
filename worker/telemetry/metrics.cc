// See metrics.h. The counting; names and handles are in path_series.cc.
#include "worker/telemetry/metrics.h"

#include <array>

#include "worker/telemetry/path_series.h"

namespace sluice::worker {
namespace {

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

std::string_view name(HookKind kind) {
  constexpr std::array<std::string_view, 4> kNames = {"ingress", "egress", "http", "handover"};
  return kNames.at(slot_of(kind));
}
std::string_view name(DnsSource source) {
  constexpr std::array<std::string_view, 3> kNames = {"cache", "hosts", "server"};
  return kNames.at(slot_of(source));
}
std::string_view name(Refused why) {
  constexpr std::array<std::string_view, 6> kNames = {"hook",        "untrusted", "proxy_header", "source_connections",
                                                      "source_rate", "memory"};
  return kNames.at(slot_of(why));
}

std::string_view name(RequestRefused why) {
  constexpr std::array<std::string_view, 3> kNames = {"source_rate", "tenant_rate", "memory"};
  return kNames.at(slot_of(why));
}

std::string_view name(AcceptPaused why) {
  constexpr std::array<std::string_view, 2> kNames = {"connections", "descriptors"};
  return kNames.at(slot_of(why));
}

std::string_view name(Handshake handshake) {
  return handshake == Handshake::kFull ? "full" : "resumed";
}

std::string_view name(UpstreamRefused why) {
  constexpr std::array<std::string_view, 5> kNames = {"queue_full", "queue_expired", "client_left", "no_server",
                                                      "circuit_open"};
  return kNames.at(slot_of(why));
}

PathMetrics::PathMetrics(ipc::MetricsWriter& writer, const TrafficNames& names)
    : series_(std::make_unique<PathSeries>(writer, names)) {}
PathMetrics::~PathMetrics() = default;

void PathMetrics::learn(const TrafficNames& names) {
  series_->learn(names);
}

void PathMetrics::connection_accepted(EndpointIndex endpoint) {
  EndpointSeries& series = series_->endpoint(endpoint);
  series.accepted.add(1);
  series.connections.add(1);
}

void PathMetrics::connection_taken(EndpointIndex endpoint) {
  series_->endpoint(endpoint).connections.add(1);
}

void PathMetrics::connection_closed(EndpointIndex endpoint) {
  series_->endpoint(endpoint).connections.add(-1);
}

void PathMetrics::connection_refused(EndpointIndex endpoint, Refused why) {
  series_->endpoint(endpoint).count_refused(why);
}

void PathMetrics::client_secured(EndpointIndex endpoint, Handshake handshake, std::chrono::nanoseconds took) {
  series_->endpoint(endpoint).count_handshake(handshake, seconds(took));
}

void PathMetrics::client_not_secured(EndpointIndex endpoint, Code why) {
  series_->endpoint(endpoint).count_handshake_failure(why);
}

void PathMetrics::http2_flooded(EndpointIndex endpoint, http2::Flood flood) {
  series_->endpoint(endpoint).count_flood(flood);
}

void PathMetrics::request_started(EndpointIndex endpoint) {
  series_->endpoint(endpoint).requests_open.add(1);
}

void PathMetrics::request_finished(const AccessRecord& record) {
  EndpointSeries& series = series_->endpoint(record.endpoint);
  series.requests_open.add(-1);
  if (record.kind == AccessRecord::Kind::kTunnel) {
    series.tunnels_open.add(-1);
    tunnel_finished(record);
    return;
  }
  series.duration.observe(seconds(record.duration));
  series.observe_route(record.route, seconds(record.duration));
  series.received.add(record.bytes_in);
  series.sent.add(record.bytes_out);
  count_end(record);
}

void PathMetrics::tunnel_finished(const AccessRecord& record) {
  EndpointSeries& series = series_->endpoint(record.endpoint);
  series.tunnel_duration.observe(seconds(record.duration));
  series.tunnel_received.add(record.bytes_in);
  series.tunnel_sent.add(record.bytes_out);
  count_end(record);
}

void PathMetrics::tunnel_handed_over(EndpointIndex endpoint) {
  EndpointSeries& series = series_->endpoint(endpoint);
  series.requests_open.add(-1);
  series.tunnels_open.add(-1);
}

void PathMetrics::tunnel_taken(EndpointIndex endpoint, UpstreamIndex upstream) {
  EndpointSeries& series = series_->endpoint(endpoint);
  series.requests_open.add(1);
  series.tunnels_open.add(1);
  series_->upstream(upstream).connections.add(1);
}

void PathMetrics::tunnel_left(EndpointIndex endpoint, UpstreamIndex upstream) {
  tunnel_handed_over(endpoint);
  series_->upstream(upstream).connections.add(-1);
}

void PathMetrics::handed_over(Moving what) {
  series_->count_handed_over(what);
}

void PathMetrics::hand_over_failed(Moving what) {
  series_->count_hand_over_failed(what);
}

void PathMetrics::taken_over(Moving what) {
  series_->count_taken_over(what);
}

void PathMetrics::count_end(const AccessRecord& record) {
  EndpointSeries& series = series_->endpoint(record.endpoint);
  series.count_status(record.status);
  if (record.ended != Ended::kOk) series.count_cut(record.ended);
  if (record.error != nullptr) series.count_error(record.error->code());
}

void PathMetrics::tunnel_opened(EndpointIndex endpoint) {
  EndpointSeries& series = series_->endpoint(endpoint);
  series.tunnels.add(1);
  series.tunnels_open.add(1);
}

void PathMetrics::origin_connected(UpstreamIndex upstream, std::chrono::nanoseconds took) {
  UpstreamSeries& series = series_->upstream(upstream);
  series.connects.add(1);
  series.connections.add(1);
  series.connect_duration.observe(seconds(took));
}

void PathMetrics::origin_secured(UpstreamIndex upstream, Handshake handshake) {
  series_->upstream(upstream).count_handshake(handshake);
}

void PathMetrics::origin_failed(UpstreamIndex upstream, Code code) {
  series_->upstream(upstream).count_failure(code);
}

void PathMetrics::origin_reused(UpstreamIndex upstream) {
  series_->upstream(upstream).reuses.add(1);
}

void PathMetrics::origin_answered(UpstreamIndex upstream, std::chrono::nanoseconds took) {
  series_->upstream(upstream).response_time.observe(seconds(took));
}

void PathMetrics::origin_closed(UpstreamIndex upstream) {
  series_->upstream(upstream).connections.add(-1);
}

void PathMetrics::queue_joined(UpstreamIndex upstream) {
  UpstreamSeries& series = series_->upstream(upstream);
  series.queued.add(1);
  series.queue.add(1);
}

void PathMetrics::queue_left(UpstreamIndex upstream) {
  series_->upstream(upstream).queue.add(-1);
}

void PathMetrics::upstream_refused(UpstreamIndex upstream, UpstreamRefused why) {
  series_->upstream(upstream).count_refused(why);
}

void PathMetrics::upstream_health(UpstreamIndex upstream, std::uint32_t servers_well) {
  series_->upstream(upstream).well.set(servers_well);
}

void PathMetrics::server_ejected(UpstreamIndex upstream) {
  series_->upstream(upstream).ejections.add(1);
}

void PathMetrics::circuit_changed(UpstreamIndex upstream, std::int64_t open) {
  series_->upstream(upstream).circuit_open.set(open);
}

void PathMetrics::retried(UpstreamIndex upstream) {
  series_->upstream(upstream).retries.add(1);
}

void PathMetrics::retry_denied(UpstreamIndex upstream) {
  series_->upstream(upstream).retries_denied.add(1);
}

void PathMetrics::accept_paused(AcceptPaused why) {
  series_->count_pause(why);
}

void PathMetrics::request_refused(EndpointIndex endpoint, RequestRefused why) {
  series_->endpoint(endpoint).count_request_refused(why);
}

void PathMetrics::hook_decided(HookKind kind, Verdict verdict) {
  series_->count_decision(kind, verdict);
}

void PathMetrics::dns_answered(DnsSource source) {
  series_->dns.at(slot_of(source)).add(1);
}

void PathMetrics::dns_failed(Code code) {
  series_->count_dns_failure(code);
}

void PathMetrics::sample(const ProcessSample& sample) {
  series_->buffer_blocks.set(static_cast<std::int64_t>(sample.buffer_blocks));
  series_->frames.set(static_cast<std::int64_t>(sample.coroutine_frames));
  series_->loop_lag.observe(seconds(sample.loop_lag));
  series_->show_dropped();
  series_->processor_time.follow(static_cast<std::uint64_t>(sample.processor_time.count()));
  series_->bugs.follow(sample.bugs);
  series_->log_lost.follow(sample.log_lines_lost);
  series_->access_lines.follow(sample.access_lines);
  series_->access_lost.follow(sample.access_lines_lost);
}

}  // namespace sluice::worker
