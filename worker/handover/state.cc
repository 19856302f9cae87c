// See state.h.
#include "worker/handover/state.h"

#include <algorithm>

#include "proto/http/ascii.h"
#include "worker/offramp/upstream.h"
#include "worker/telemetry/access_log.h"

namespace sluice::worker {
namespace {

std::uint64_t nanos(std::chrono::nanoseconds duration) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
}

std::chrono::nanoseconds duration(std::uint64_t nanos) {
  constexpr std::uint64_t kMost = INT64_MAX / 4;
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(nanos, kMost)));
}

std::vector<restart::MovedField> lines_of(const http::Fields* fields, const std::vector<std::string>& wanted) {
  std::vector<restart::MovedField> lines;
  if (fields == nullptr) return lines;
  constexpr std::size_t kMostValue = 4096;  // more than the log shows
  for (const http::Field& field : *fields) {
    if (std::ranges::none_of(wanted,
                             [&](const std::string& name) { return http::equal_ignore_case(name, field.name); }))
      continue;
    if (lines.size() == restart::MovedField::kMost / 8) break;
    lines.push_back({.name = std::string(field.name), .value = std::string(field.value.substr(0, kMostValue))});
  }
  return lines;
}

std::string_view upstream_name(const UpstreamGroups& upstreams, UpstreamIndex index) {
  for (const auto& group : upstreams)
    if (group->index() == index) return group->name();
  return {};
}

UpstreamIndex upstream_index(const UpstreamGroups& upstreams, std::string_view name) {
  for (const auto& group : upstreams)
    if (!name.empty() && group->name() == name) return group->index();
  return kNoUpstream;
}

}  // namespace

restart::MovedConnection state_of(const ClientConnection& connection, Nanos now) {
  const ipc::ConnectionSlot::Shown shown = connection.slot.shown();
  restart::MovedConnection state;
  state.id = connection.core.id;
  state.endpoint = connection.core.endpoint;
  state.peer = connection.core.peer.text();
  if (connection.destination != nullptr) state.destination = connection.destination->text();
  state.started_unix_ms = static_cast<std::uint64_t>(shown.started_unix_ms);
  state.age_ns = nanos(now - connection.started);
  state.idle_ns = nanos(now - connection.idle_since);
  state.requests = connection.requests;
  state.bytes_in = shown.bytes_in;
  state.bytes_out = shown.bytes_out;
  return state;
}

restart::MovedTunnel state_of(const AccessRecord& record, const Services& services, const UpstreamGroups& upstreams,
                              Nanos started, std::string_view client) {
  constexpr std::size_t kMostText = restart::MovedTunnel::kMostText;
  restart::MovedTunnel tunnel;
  tunnel.request = record.request;
  tunnel.request_age_ns = nanos(services.loop.now() - started);
  tunnel.first_byte_ns = nanos(record.first_byte);
  tunnel.queued_ns = nanos(record.queued);
  tunnel.dial_ns = nanos(record.dial);
  tunnel.status = record.status;
  tunnel.verdict = static_cast<std::uint8_t>(record.verdict);
  tunnel.origin_reused = record.origin_reused;
  tunnel.upstream = upstream_name(upstreams, record.upstream);
  tunnel.client = client;
  tunnel.user = record.user.substr(0, kMostText);
  tunnel.origin = record.origin;
  tunnel.method = record.method.substr(0, kMostText);
  tunnel.scheme = record.scheme.substr(0, kMostText);
  tunnel.authority = record.authority.substr(0, kMostText);
  tunnel.path = record.path.substr(0, kMostText);
  tunnel.version = record.version.substr(0, kMostText);
  std::vector<std::string> wanted = services.policy->settings->access_log.request_fields;
  wanted.emplace_back("user-agent");  // always shown
  tunnel.request_fields = lines_of(record.request_fields, wanted);
  tunnel.response_fields = lines_of(record.response_fields, services.policy->settings->access_log.response_fields);
  return tunnel;
}

AccessRecord record_of(const restart::MovedTunnel& tunnel, const UpstreamGroups& upstreams) {
  AccessRecord record;
  record.kind = AccessRecord::Kind::kTunnel;
  record.verdict = tunnel.verdict <= static_cast<std::uint8_t>(Verdict::kFailed) ? static_cast<Verdict>(tunnel.verdict)
                                                                                 : Verdict::kNone;
  record.origin_reused = tunnel.origin_reused;
  record.status = tunnel.status;
  record.upstream = upstream_index(upstreams, tunnel.upstream);
  record.request = tunnel.request;
  record.user = tunnel.user;
  record.origin = tunnel.origin;
  record.method = tunnel.method;
  record.scheme = tunnel.scheme;
  record.authority = tunnel.authority;
  record.path = tunnel.path;
  record.version = tunnel.version;
  record.first_byte = duration(tunnel.first_byte_ns);
  record.queued = duration(tunnel.queued_ns);
  record.dial = duration(tunnel.dial_ns);
  return record;
}

void restore(http::Fields& fields, const std::vector<restart::MovedField>& lines) {
  for (const restart::MovedField& line : lines) {
    const Result<> added = fields.add(line.name, line.value);
    static_cast<void>(added);
  }
}

}  // namespace sluice::worker
