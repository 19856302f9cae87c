// The parts of an exchange that end in a tunnel: CONNECT (RFC 9110 section 9.3.6) and Upgrade (section 7.8). See
// exchange.h.
//
// Nothing of the client's is sent on before the origin has agreed (RFC 9931): until then the client is not read, and
// what was read with the head waits in its buffer.
#include <algorithm>

#include "proto/http1/upgrade.h"
#include "worker/flow/exchange.h"
#include "worker/handover/leaving.h"
#include "worker/handover/state.h"
#include "worker/offramp/origin_count.h"
#include "worker/telemetry/metrics.h"
#include "worker/tunnel/relay.h"

namespace sluice::worker {

Task<Result<>> Exchange::connect() {
  const ipc::ConnectSettings& settings = endpoint_.settings.connect;
  if (endpoint_.settings.mode != ipc::Mode::kForward || !settings.enabled) co_return co_await refuse_method();
  const std::uint16_t port = *request_.port();
  if (!settings.ports.empty() && std::ranges::find(settings.ports, port) == settings.ports.end())
    co_return fail(Error(Code::kForbidden, "CONNECT to this port is not allowed").from(Side::kClient));

  stage_ = Stage::kConnecting;
  slot_.state(ipc::ConnectionState::kDialing);
  const OriginServer server(std::string(request_.host()), port, kNoUpstream, services_.settings.forward);
  const Nanos before = services_.loop.now();
  Result<std::unique_ptr<OriginConnection>> origin =
      co_await connect_origin(services_, core_, server, ChosenBy::kClient, std::string());
  record_.dial = services_.loop.now() - before;
  if (!origin) co_return fail(std::move(origin.error()));
  const OriginCount counted(services_.metrics, kNoUpstream, *origin);
  origin_ = (*origin)->address();
  response_.clear();
  response_.set_status(200);
  record_.first_byte = services_.loop.now() - started_;
  const Result<TunnelEnd> client = co_await client_.open_tunnel(response_);
  if (client) {
    const Result<> done = co_await tunnel(*client, TunnelEnd{.stream = (*origin)->stream(), .early = (*origin)->in()});
    co_return done;
  }
  co_return fail(client.error());
}

// The origin has said 101: the answer goes to the client with the fields that make it one.
Task<Result<>> Exchange::upgrade(OriginSide& origin) {
  const http::ConnectionFacts facts = http::read_connection(response_.fields(), response_.version());
  if (Result<> prepared = prepare_response(facts); !prepared) co_return prepared;
  http1::declare_upgrade(response_.fields(), upgrade_);
  const Result<TunnelEnd> client = co_await client_.open_tunnel(response_);
  if (!client) co_return fail(client.error());
  Result<> done = co_await tunnel(*client, origin.tunnel());
  if (done) co_await origin.finish_tunnel();
  co_return done;
}

namespace {
// Writes the counts into the record however the tunnel ends, cancelled included.
class Counted {
 public:
  Counted(AccessRecord& record, const TunnelCounts& counts) : record_(record), counts_(counts) {}
  Counted(Counted&&) = delete;
  ~Counted() {
    record_.bytes_in = counts_.to_origin.total();
    record_.bytes_out = counts_.to_client.total();
  }

 private:
  AccessRecord& record_;
  const TunnelCounts& counts_;
};
}  // namespace

namespace {
// A client of HTTP/2 that resets its stream cancels the tunnel where it stands: the origin must not take that for an
// end.
class CutWhenGone {
 public:
  CutWhenGone(const ClientSide& client, ByteStream& origin) : client_(client), origin_(origin) {}
  CutWhenGone(CutWhenGone&&) = delete;
  ~CutWhenGone() {
    if (!ended_ && client_.gone()) origin_.reset_on_close();
  }
  void ended() { ended_ = true; }

 private:
  const ClientSide& client_;
  ByteStream& origin_;
  bool ended_ = false;
};
}  // namespace

Task<Result<>> Exchange::tunnel(TunnelEnd client, TunnelEnd origin) {
  const ipc::TunnelSettings& settings = endpoint_.settings.tunnel;
  const TunnelTimeouts timeouts{
      .idle = settings.idle_timeout, .half_close = settings.half_close_timeout, .total = settings.total_timeout};
  record_.kind = AccessRecord::Kind::kTunnel;
  services_.metrics.tunnel_opened(endpoint_.index);
  slot_.state(ipc::ConnectionState::kTunnel);
  TunnelCounts counts(slot_);
  TunnelProgress progress(services_.loop.now());
  const Counted counted(record_, counts);
  CutWhenGone cut(client_, origin.stream);
  for (;;) {
    const TunnelOutcome outcome = co_await relay(services_.loop, client, origin, timeouts, counts, progress, halt_);
    cut.ended();
    if (outcome.ending == TunnelEnding::kHalted) {
      const HaltedTunnel halted{.client = client, .origin = origin, .counts = counts, .progress = progress};
      restart::MovedTunnel state = moved_tunnel();
      const Left left = co_await hand_over_tunnel(services_, connection_, std::move(state), halted);
      handed_over_ = left == Left::kYes;
      if (handed_over_) co_return Result<>();
      continue;
    }
    record_.reason = slot_.fate() == ipc::Fate::kCut ? "drain_budget" : name(outcome.ending);
    slot_.ended(ipc::Work::kTunnel);
    if (outcome.ending != TunnelEnding::kFinished) client_.cut();
    if (outcome.error) co_return fail(*outcome.error);
    co_return Result<>();
  }
}

restart::MovedTunnel Exchange::moved_tunnel() {
  describe();
  const std::string origin = origin_ ? origin_->text() : std::string();
  record_.origin = origin;
  restart::MovedTunnel tunnel = state_of(record_, services_, endpoint_.upstreams, started_,
                                         core_.identity != nullptr ? core_.identity->client_text : std::string_view());
  record_.origin = {};
  const std::string_view target =
      request_.method() == http::Method::kConnect ? request_.target() : request_.authority().text;
  tunnel.target = target.substr(0, restart::MovedTunnel::kMostText);
  return tunnel;
}

}  // namespace sluice::worker
