// See leaving.h.
#include "worker/handover/leaving.h"

#include <array>

#include "worker/flow/call_hook.h"
#include "worker/handover/handover.h"
#include "worker/handover/state.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {
namespace {

Task<Left> offer(const Services& services, ClientConnection& connection, restart::MovedConnection& state,
                 std::span<const int> fds, Moving kind) {
  Result<> moved;
  Result<std::string> context =
      call_hand_over(services, connection.core, kind == Moving::kIdle ? HandOverKind::kIdle : HandOverKind::kTunnel);
  if (context) {
    state.context = *std::move(context);
    connection.halt.in_transit = true;
    Result<> done = co_await services.handover.move(state, fds);
    connection.halt.in_transit = false;
    moved = std::move(done);
  } else {
    moved = fail(std::move(context).error());
  }
  connection.halt.wanted = false;
  if (!moved) {
    services.metrics.hand_over_failed(kind);
    services.log.info("connection stays",
                      {{"connection", connection.core.id}, {"what", name(kind)}, {"why", moved.error().message()}});
    co_return Left::kNo;
  }
  connection.halt.moved = true;
  connection.slot.set_fate(ipc::Fate::kHandedOver);
  services.metrics.handed_over(kind);
  services.log.debug("connection handed over", {{"connection", connection.core.id}, {"what", name(kind)}});
  co_return Left::kYes;
}

// What stays without having been offered.
Left stays(ClientConnection& connection) {
  connection.halt.wanted = false;
  return Left::kNo;
}

std::uint64_t nanos_since(Nanos then, Nanos now) {
  return then < now ? static_cast<std::uint64_t>((now - then).count()) : 0;
}

}  // namespace

Task<Left> hand_over_idle(const Services& services, ClientConnection& connection, std::string_view read) {
  if (!services.handover.offers(Moving::kIdle) || connection.socket < 0) co_return stays(connection);
  restart::MovedConnection state = state_of(connection, services.loop.now());
  state.read = read;
  const std::array<int, 1> fds = {connection.socket};
  co_return co_await offer(services, connection, state, fds, Moving::kIdle);
}

Task<Left> hand_over_tunnel(const Services& services, ClientConnection& connection, restart::MovedTunnel tunnel,
                            HaltedTunnel halted) {
  const std::array<int, 2> fds = {halted.client.stream.plain_socket(), halted.origin.stream.plain_socket()};
  if (!services.handover.offers(Moving::kTunnel) || fds[0] < 0 || fds[1] < 0) co_return stays(connection);
  const Nanos now = services.loop.now();
  tunnel.to_origin = halted.client.early.view();
  tunnel.to_client = halted.origin.early.view();
  tunnel.client_ended = halted.progress.client_ended;
  tunnel.origin_ended = halted.progress.origin_ended;
  tunnel.bytes_to_origin = halted.counts.to_origin.total();
  tunnel.bytes_to_client = halted.counts.to_client.total();
  tunnel.age_ns = nanos_since(halted.progress.started, now);
  tunnel.quiet_ns = nanos_since(halted.progress.last_byte, now);
  restart::MovedConnection state = state_of(connection, now);
  state.tunnel.push_back(std::move(tunnel));
  co_return co_await offer(services, connection, state, fds, Moving::kTunnel);
}

}  // namespace sluice::worker
