// See taken_tunnel.h.
#include "worker/handover/taken_tunnel.h"

#include "worker/flow/slow_request.h"
#include "worker/handover/leaving.h"
#include "worker/handover/state.h"
#include "worker/telemetry/access_log.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {

TakenTunnel::TakenTunnel(const Services& services, EndpointIndex endpoint, ClientConnection& connection,
                         SocketStream& client, Fd origin, restart::MovedTunnel state)
    : services_(services),
      policy_(services.policy),
      endpoint_(policy_->endpoint(endpoint)),
      connection_(connection),
      client_(client),
      origin_(services.loop, std::move(origin)),
      state_(std::move(state)),
      record_(record_of(state_, policy_->upstreams)),
      started_(ago(state_.request_age_ns, services.loop.now())),
      counts_(connection.slot, state_.bytes_to_origin, state_.bytes_to_client),
      progress_(services.loop.now()) {
  record_.endpoint = endpoint;
  record_.connection = connection.core.id;
  restore(request_fields_, state_.request_fields);
  restore(response_fields_, state_.response_fields);
  record_.request_fields = &request_fields_;
  record_.response_fields = &response_fields_;
  progress_.started = ago(state_.age_ns, services.loop.now());
  progress_.last_byte = ago(state_.quiet_ns, services.loop.now());
  progress_.client_ended = state_.client_ended;
  progress_.origin_ended = state_.origin_ended;
  from_client_.append(state_.to_origin);
  from_origin_.append(state_.to_client);
  state_.to_origin = {};
  state_.to_client = {};
  connection.slot.state(ipc::ConnectionState::kTunnel);
  services.metrics.tunnel_taken(endpoint, record_.upstream);
}

TakenTunnel::~TakenTunnel() {
  if (!connection_.halt.moved) account();
  services_.metrics.tunnel_left(endpoint_.index, record_.upstream);
}

Task<> TakenTunnel::run() {
  const ipc::TunnelSettings& settings = endpoint_.settings.tunnel;
  const TunnelTimeouts timeouts{
      .idle = settings.idle_timeout, .half_close = settings.half_close_timeout, .total = settings.total_timeout};
  const TunnelEnd client{.stream = client_, .early = from_client_};
  const TunnelEnd origin{.stream = origin_, .early = from_origin_};
  for (;;) {
    const TunnelOutcome outcome =
        co_await relay(services_.loop, client, origin, timeouts, counts_, progress_, connection_.halt);
    if (outcome.ending == TunnelEnding::kHalted) {
      state_.request_age_ns = static_cast<std::uint64_t>((services_.loop.now() - started_).count());
      const HaltedTunnel halted{.client = client, .origin = origin, .counts = counts_, .progress = progress_};
      const Left left = co_await hand_over_tunnel(services_, connection_, state_, halted);
      if (left == Left::kYes) co_return;
      continue;
    }
    record_.reason = connection_.slot.fate() == ipc::Fate::kCut ? "drain_budget" : name(outcome.ending);
    error_ = outcome.error;
    finished_ = true;
    connection_.slot.ended(ipc::Work::kTunnel);
    co_return;
  }
}

void TakenTunnel::account() {
  record_.bytes_in = counts_.to_origin.total();
  record_.bytes_out = counts_.to_client.total();
  record_.duration = steady_now() - started_;
  if (error_) {
    record_.failed(*error_);
  } else if (!finished_) {
    record_.cancelled();
  }
  const std::string connected = connection_.core.peer.text();
  record_.client = state_.client.empty() ? connected : state_.client;
  if (!state_.client.empty()) record_.peer = connected;
  services_.metrics.tunnel_finished(record_);
  services_.access_log.write(record_);
}

}  // namespace sluice::worker
