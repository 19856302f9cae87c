// See upstream_report.h.
#include "worker/offramp/upstream_report.h"

namespace sluice::worker {
namespace {

std::uint64_t flags_of(const UpstreamGroup& group, const Member& member) {
  using Row = ipc::ServerRow;
  std::uint64_t flags = 0;
  const auto add = [&](bool is, Row::Flag flag) { flags |= is ? flag : 0U; };
  add(member.active, Row::kActive);
  add(member.serving, Row::kServing);
  add(member.health.ejected(), Row::kEjected);
  add(member.health.down(), Row::kDown);
  add(member.warming_since != Nanos(0), Row::kWarming);
  add(group.panics(), Row::kPanic);
  add(group.circuit() != Circuit::State::kClosed, Row::kCircuit);
  return flags;
}

}  // namespace

void UpstreamReport::write(const UpstreamGroups& groups) {
  std::size_t index = 0;
  for (const std::shared_ptr<UpstreamGroup>& group : groups)
    for (const Member& member : group->members()) write(*group, member, index++);
  table_.end_at(index);
}

void UpstreamReport::write(const UpstreamGroup& group, const Member& member, std::size_t index) {
  const OriginServer& server = *member.server;
  row_.upstream = group.name();
  row_.server = HostPort{.host = server.host(), .port = server.port()}.text();
  row_.flags = flags_of(group, member);
  row_.weight = member.base_weight;
  row_.in_flight = member.places;
  row_.idle = server.idle();
  row_.queue = group.queued();
  row_.requests = member.requests;
  row_.failures = member.failures;
  row_.ejections = member.health.ejections();
  row_.last_error = 0;
  row_.last_error_unix_ms = 0;
  if (member.last_error) {
    const auto at =
        wall_now() - std::chrono::duration_cast<std::chrono::microseconds>(loop_.now() - member.last_error_at);
    row_.last_error = static_cast<std::uint64_t>(*member.last_error) + 1;
    row_.last_error_unix_ms = std::chrono::duration_cast<Millis>(at.time_since_epoch()).count();
  }
  table_.write(index, row_);
}

}  // namespace sluice::worker
