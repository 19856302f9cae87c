// See path_series.h.
#include "worker/telemetry/path_series.h"

#include <algorithm>
#include <string_view>

namespace sluice::worker {
namespace {

constexpr std::array<std::uint16_t, 34> kStatuses = {200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400,
                                                     401, 403, 404, 405, 407, 408, 409, 410, 411, 412, 413, 414,
                                                     416, 417, 429, 431, 500, 501, 502, 503, 504, 508};
static_assert(std::ranges::is_sorted(kStatuses));
constexpr std::array<std::string_view, 7> kClasses = {"none", "1xx", "2xx", "3xx", "4xx", "5xx", "other"};
static_assert(kStatusSlots == kStatuses.size() + kClasses.size());

// seconds
constexpr std::array kDuration = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                  0.5,   1.0,    2.5,   5.0,  10.0,  30.0, 60.0};
constexpr std::array kConnect = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0};
constexpr std::array kTunnel = {0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 21600.0, 86400.0};
constexpr std::array kLag = {0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0};

}  // namespace

std::size_t status_slot(std::uint16_t status) {
  const auto* const at = std::ranges::lower_bound(kStatuses, status);
  if (at != kStatuses.end() && *at == status) return static_cast<std::size_t>(at - kStatuses.begin());
  return kStatuses.size() + std::min<std::size_t>(status / 100U, kClasses.size() - 1);
}

std::string status_name(std::size_t slot) {
  if (slot < kStatuses.size()) return std::to_string(kStatuses.at(slot));
  return std::string(kClasses.at(slot - kStatuses.size()));
}

EndpointSeries::EndpointSeries(ipc::MetricsWriter& to, const std::string& name, std::vector<std::string> routes)
    : to_(to), name_(name) {
  for (std::string& route : routes) routes_.push_back({.name = std::move(route), .duration = {}});
  const ipc::Labels labels = {{"endpoint", name}};
  accepted = to.counter("sluice_connections_accepted_total", "Client connections accepted.", labels);
  connections = to.gauge("sluice_connections_open", "Client connections open now.", labels);
  requests_open = to.gauge("sluice_requests_open", "Requests under way now, tunnels included.", labels);
  duration = to.histogram("sluice_request_duration_seconds",
                          "Time from the first byte of a request to the end of its answer.", labels, kDuration);
  received = to.counter("sluice_client_received_bytes_total", "Bytes of requests received from clients.", labels);
  sent = to.counter("sluice_client_sent_bytes_total", "Bytes of answers sent to clients.", labels);
  tunnels = to.counter("sluice_tunnels_opened_total", "Tunnels opened by CONNECT or Upgrade.", labels);
  tunnels_open = to.gauge("sluice_tunnels_open", "Tunnels open now.", labels);
  tunnel_duration = to.histogram("sluice_tunnel_duration_seconds",
                                 "Time from the first byte of the request to the end of its tunnel.", labels, kTunnel);
  tunnel_received = to.counter("sluice_tunnel_received_bytes_total", "Bytes from clients into tunnels.", labels);
  tunnel_sent = to.counter("sluice_tunnel_sent_bytes_total", "Bytes from tunnels to clients.", labels);
}

void EndpointSeries::count_refused(Refused why) {
  refused_.count(slot_of(why), [&] {
    return to_.counter("sluice_connections_refused_total", "Client connections closed before they were served.",
                       {{"endpoint", name_}, {"reason", name(why)}});
  });
}

void EndpointSeries::count_request_refused(RequestRefused why) {
  requests_refused_.count(slot_of(why), [&] {
    return to_.counter("sluice_requests_refused_total",
                       "Requests refused because of a limit, before anything was done.",
                       {{"endpoint", name_}, {"reason", name(why)}});
  });
}

void EndpointSeries::count_flood(http2::Flood flood) {
  floods_.count(slot_of(flood), [&] {
    return to_.counter("sluice_http2_floods_total", "HTTP/2 connections ended because of a flood of frames.",
                       {{"endpoint", name_}, {"cause", http2::name(flood)}});
  });
}

void EndpointSeries::count_handshake(Handshake handshake, double seconds) {
  handshakes_.count(slot_of(handshake), [&] {
    return to_.counter("sluice_tls_handshakes_total", "TLS handshakes with clients that succeeded.",
                       {{"endpoint", name_}, {"handshake", name(handshake)}});
  });
  if (!handshake_duration_)
    handshake_duration_ = to_.histogram("sluice_tls_handshake_duration_seconds",
                                        "Time that a TLS handshake with a client took, when it succeeded.",
                                        {{"endpoint", name_}}, kConnect);
  handshake_duration_->observe(seconds);
}

void EndpointSeries::count_handshake_failure(Code code) {
  handshake_failures_.count(slot_of(code), [&] {
    return to_.counter("sluice_tls_handshake_failures_total", "TLS handshakes with clients that failed.",
                       {{"endpoint", name_}, {"error", name(code)}});
  });
}

void EndpointSeries::count_status(std::uint16_t status) {
  const std::size_t slot = status_slot(status);
  statuses_.count(slot, [&] {
    const std::string text = status_name(slot);
    return to_.counter("sluice_requests_total",
                       "Requests and tunnels that have ended, by what the client was answered.",
                       {{"endpoint", name_}, {"status", text}});
  });
}

void EndpointSeries::observe_route(RouteIndex index, double seconds) {
  if (index >= routes_.size()) return;
  Route& route = routes_[index];
  if (!route.duration)
    route.duration = to_.histogram("sluice_route_duration_seconds",
                                   "Time from the first byte of a request to the end of its answer, by route.",
                                   {{"endpoint", name_}, {"route", route.name}}, kDuration);
  route.duration->observe(seconds);
}

void EndpointSeries::learn(const std::vector<std::string>& routes) {
  for (std::size_t i = routes_.size(); i < routes.size(); ++i)
    routes_.push_back({.name = routes[i], .duration = std::nullopt});
}

void EndpointSeries::count_cut(Ended by) {
  cut_.count(slot_of(by), [&] {
    return to_.counter("sluice_requests_cut_total", "Requests and tunnels that did not end in order, by who cut them.",
                       {{"endpoint", name_}, {"by", name(by)}});
  });
}

void EndpointSeries::count_error(Code code) {
  errors_.count(slot_of(code), [&] {
    return to_.counter("sluice_request_errors_total", "Errors of requests and tunnels.",
                       {{"endpoint", name_}, {"error", name(code)}});
  });
}

UpstreamSeries::UpstreamSeries(ipc::MetricsWriter& to, const std::string& name) : to_(to), name_(name) {
  const ipc::Labels labels = {{"upstream", name}};
  connects = to.counter("sluice_origin_connects_total", "Connections made to origins.", labels);
  reuses = to.counter("sluice_origin_reuses_total", "Requests sent on a connection that was open already.", labels);
  connections = to.gauge("sluice_origin_connections_open", "Connections to origins open now.", labels);
  connect_duration = to.histogram("sluice_origin_connect_duration_seconds",
                                  "Time that connecting to an origin took, when it succeeded.", labels, kConnect);
  response_time =
      to.histogram("sluice_origin_response_seconds",
                   "Time from sending a request to an origin to the head of its response.", labels, kDuration);
  queued =
      to.counter("sluice_upstream_queued_total", "Requests that had to wait for a limit of their upstream.", labels);
  well = to.gauge("sluice_upstream_servers_well", "Servers that are in use and well.", labels);
  circuit_open = to.gauge("sluice_upstream_circuit_open", "1 while the circuit is open or on trial.", labels);
  ejections = to.counter("sluice_upstream_ejections_total", "Times that a server was ejected.", labels);
  retries = to.counter("sluice_upstream_retries_total", "Requests that were tried again.", labels);
  retries_denied =
      to.counter("sluice_upstream_retries_denied_total", "Requests that the retry budget kept from it.", labels);
  queue = to.gauge("sluice_upstream_queue", "Requests that wait now for a limit of their upstream.", labels);
}

void UpstreamSeries::count_failure(Code code) {
  failures_.count(slot_of(code), [&] {
    return to_.counter("sluice_origin_connect_failures_total", "Connections to origins that could not be made.",
                       {{"upstream", name_}, {"error", name(code)}});
  });
}

void UpstreamSeries::count_refused(UpstreamRefused why) {
  refused_.count(slot_of(why), [&] {
    return to_.counter("sluice_upstream_refused_total", "Requests that got no place at their upstream.",
                       {{"upstream", name_}, {"reason", name(why)}});
  });
}

void UpstreamSeries::count_handshake(Handshake handshake) {
  handshakes_.count(slot_of(handshake), [&] {
    return to_.counter("sluice_origin_tls_handshakes_total", "TLS handshakes with origins that succeeded.",
                       {{"upstream", name_}, {"handshake", name(handshake)}});
  });
}

PathSeries::PathSeries(ipc::MetricsWriter& writer, const TrafficNames& names)
    : to_(writer),
      dropped_(to_.gauge("sluice_metrics_dropped", "Series that found no place in the shared memory.", {})),
      unnamed_(to_, "") {
  learn(names);
  for (const DnsSource source : {DnsSource::kCache, DnsSource::kHosts, DnsSource::kServer})
    dns.at(slot_of(source)) = to_.counter("sluice_dns_answers_total", "Lookups of host names that found addresses.",
                                          {{"source", name(source)}});
  buffer_blocks = to_.gauge("sluice_buffer_blocks", "Data blocks of 32 KiB in use.", {});
  frames = to_.gauge("sluice_coroutine_frames", "Coroutine frames alive.", {});
  loop_lag = to_.histogram("sluice_loop_lag_seconds", "How late the event loop wakes who sleeps.", {}, kLag);
  processor_time = Mirror(to_.counter("sluice_cpu_nanoseconds_total", "Processor time used.", {}));
  bugs = Mirror(to_.counter("sluice_bugs_total", "States that should not be, met and survived.", {}));
  log_lost = Mirror(to_.counter("sluice_log_lost_total", "Lines of the log lost because the pipe was full.", {}));
  access_lines = Mirror(to_.counter("sluice_access_log_lines_total", "Lines of the access log written.", {}));
  access_lost = Mirror(
      to_.counter("sluice_access_log_lost_total", "Lines of the access log lost because the pipe was full.", {}));
  to_.counter("sluice_worker_starts_total", "Starts of the worker process.", {}).add(1);
}

void PathSeries::learn(const TrafficNames& names) {
  for (std::size_t i = endpoints_.size(); i < names.endpoints.size(); ++i)
    endpoints_.emplace_back(to_, names.endpoints[i], std::vector<std::string>());
  for (std::size_t i = 0; i < endpoints_.size() && i < names.routes.size(); ++i) endpoints_[i].learn(names.routes[i]);
  for (std::size_t i = upstreams_.size(); i < names.upstreams.size(); ++i)
    upstreams_.emplace_back(to_, names.upstreams[i]);
}

void PathSeries::count_decision(HookKind kind, Verdict verdict) {
  decisions_.at(slot_of(kind)).count(slot_of(verdict), [&] {
    return to_.counter("sluice_hook_decisions_total", "Decisions of the application's hooks.",
                       {{"hook", name(kind)}, {"decision", name(verdict)}});
  });
}

void PathSeries::count_pause(AcceptPaused why) {
  pauses_.count(slot_of(why), [&] {
    return to_.counter("sluice_accept_pauses_total", "Times that accepting paused because of a limit.",
                       {{"reason", name(why)}});
  });
}

void PathSeries::count_handed_over(Moving what) {
  handed_over_.count(slot_of(what), [&] {
    return to_.counter("sluice_connections_handed_over_total",
                       "Client connections handed over to a worker of another generation, by what they were at.",
                       {{"what", name(what)}});
  });
}

void PathSeries::count_hand_over_failed(Moving what) {
  hand_over_failed_.count(slot_of(what), [&] {
    return to_.counter("sluice_connections_not_handed_over_total",
                       "Client connections that were to be handed over and stayed: refused, or nobody was there.",
                       {{"what", name(what)}});
  });
}

void PathSeries::count_taken_over(Moving what) {
  taken_over_.count(slot_of(what), [&] {
    return to_.counter("sluice_connections_taken_over_total",
                       "Client connections taken over from a worker of another generation.", {{"what", name(what)}});
  });
}

void PathSeries::count_dns_failure(Code code) {
  dns_failures_.count(slot_of(code), [&] {
    return to_.counter("sluice_dns_failures_total", "Lookups of host names that failed.", {{"error", name(code)}});
  });
}

}  // namespace sluice::worker
