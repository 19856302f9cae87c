// The acceptor's part in a hand-over: who is to leave, who may come. See acceptor.h and restart/handover.h.
#include <fcntl.h>

#include <algorithm>
#include <string_view>

#include "restart/fault_point.h"
#include "worker/flow/call_hook.h"
#include "worker/handover/handover.h"
#include "worker/handover/leaving.h"
#include "worker/handover/state.h"
#include "worker/handover/taken_tunnel.h"
#include "worker/onramp/acceptor.h"
#include "worker/onramp/http1_session.h"

namespace sluice::worker {
namespace {

constexpr std::size_t kAtATime = 32;  // so that requests of this worker and the other are served in between
constexpr Millis kPause(1);

std::unexpected<Error> not_taken(std::string_view why) {
  return fail(Code::kForbidden, std::string(why));
}

int option(int fd, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

// Who is at the other end of a connected stream socket that does not block. Errors: it is something else.
Result<SocketAddress> other_end(const Fd& fd) {
  if (option(fd.get(), SO_TYPE) != SOCK_STREAM) return not_taken("a descriptor that is no stream socket");
  RawAddress raw;
  if (!sys::peer_name(fd.get(), raw.storage, raw.size)) return not_taken("a socket that is not connected");
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) return not_taken("a socket that is none");
  return SocketAddress::from_raw(raw);
}

Result<SocketAddress> parse_address(const std::string& text) {
  if (text == "unix:") return SocketAddress::unix_path({});  // the usual client end
  return SocketAddress::parse(text);
}

}  // namespace

// Between two requests a connection looks by itself whether it is to go; a tunnel does so at any moment, and is told
// only when the other side listens.
void Acceptor::want_away(Moving what) {
  if (!services_.handover.offers(what)) return;
  for (Client* client = clients_; client != nullptr; client = client->next) {
    if (client->secured != nullptr) continue;  // its keys are in this process: it drains
    const bool tunnel = client->connection.slot.state() == ipc::ConnectionState::kTunnel;
    if (tunnel == (what == Moving::kTunnel)) client->connection.halt.wanted = true;
  }
}

Task<> Acceptor::send_away() {
  want_away(Moving::kIdle);
  const bool begins = co_await services_.handover.somebody_listens();
  if (!begins) co_return;
  want_away(Moving::kTunnel);
  for (;;) {
    const bool listens = co_await services_.handover.somebody_listens();
    if (!listens) co_return;
    std::size_t room = kAtATime - std::min(kAtATime, services_.handover.under_way());
    bool more = false;
    for (Client* client = clients_; client != nullptr && !more; client = client->next) {
      const Halt& halt = client->connection.halt;
      if (!halt.wanted || halt.wake == nullptr) continue;
      more = room == 0;
      if (more) break;
      halt.wake->set();
      --room;
    }
    if (!more) co_return;
    co_await services_.loop.sleep(kPause);
  }
}

Task<> Acceptor::take_over(Fd channel, std::uint64_t generation) {
  Reception reception(services_.loop, std::move(channel));
  std::size_t taken = 0;
  for (;;) {
    Result<Reception::Arrival> arrival = co_await reception.next();
    if (!arrival) {
      if (arrival.error().code() != Code::kClosed)
        services_.log.warn("hand-over broken", {{"why", arrival.error().message()}});
      if (taken != 0) services_.log.info("connections taken over", {{"connections", taken}});
      co_return;
    }
    const std::uint64_t number = arrival->number;
    restart::fault_point(restart::FaultPoint::kWorkerTakeOver, generation);
    Result<std::unique_ptr<Taken>> one = examine(std::move(*arrival));
    if (!one) {
      const Result<> refused = co_await reception.refuse(number, one.error().what());
      if (!refused) co_return;
      continue;
    }
    const Result<> said = co_await reception.take(number);
    if (!said) co_return;  // the old worker keeps it
    ++taken;
    services_.metrics.taken_over((*one)->origin ? Moving::kTunnel : Moving::kIdle);
    sessions_.spawn([this](std::unique_ptr<Taken> it) { return serve_taken(std::move(it)); }, std::move(*one));
  }
}

Result<std::unique_ptr<Acceptor::Taken>> Acceptor::examine(Reception::Arrival arrival) {
  restart::MovedConnection& state = arrival.connection;
  const auto& endpoints = services_.policy->endpoints;
  const auto found = std::ranges::find_if(
      endpoints, [&](const std::unique_ptr<Endpoint>& one) { return one->settings.name == state.endpoint; });
  if (found == endpoints.end()) return not_taken("there is no endpoint of that name any more");
  const Endpoint& endpoint = **found;
  if (full() || crowded_) return not_taken("the new worker has no room for more connections");

  Result<SocketAddress> connected = other_end(arrival.fds.front());
  if (!connected) return fail(std::move(connected).error());
  Result<SocketAddress> peer = parse_address(state.peer);
  if (!peer) return not_taken("a client whose address cannot be read");
  if (!may_connect(endpoint, *connected)) return not_taken("the new configuration does not let this peer in");
  // only a load balancer may speak for others
  if (!endpoint.settings.proxy_protocol.enabled && connected->text() != peer->text())
    return not_taken("a client that is not who has connected");
  auto taken = std::make_unique<Taken>();
  if (!state.tunnel.empty()) {
    const Result<SocketAddress> origin = other_end(arrival.fds.back());
    if (!origin) return fail(origin.error());
    taken->origin = std::move(arrival.fds.back());
  }
  const Nanos now = services_.loop.now();
  ipc::ConnectionSlot row =
      services_.table.add_known(state.id, *peer, static_cast<std::uint16_t>(endpoint.index),
                                static_cast<std::int64_t>(std::min<std::uint64_t>(state.started_unix_ms, INT64_MAX)));
  row.show({.requests = static_cast<std::uint32_t>(state.requests),
            .bytes_in = state.bytes_in,
            .bytes_out = state.bytes_out},
           state.tunnel.empty() ? std::string_view() : std::string_view(state.tunnel.front().target));
  taken->client = std::make_unique<Client>(services_, endpoint.index, *peer, std::move(row),
                                           std::move(arrival.fds.front()), clients_, Came::kTakenOver);
  taken->client->visit = services_.limits.sources().admit(*peer);
  ClientConnection& connection = taken->client->connection;
  if (!state.destination.empty()) {
    Result<SocketAddress> destination = parse_address(state.destination);
    if (!destination) return not_taken("a destination that cannot be read");
    connection.destination = std::make_unique<SocketAddress>(std::move(*destination));
  }
  connection.started = ago(state.age_ns, now);
  connection.idle_since = ago(state.idle_ns, now);
  connection.requests = state.requests;
  if (Result<> welcome = call_take_over(services_, connection.core, state.context); !welcome)
    return not_taken(welcome.error().what());
  taken->state = std::move(state);
  return taken;
}

Task<> Acceptor::serve_taken(std::unique_ptr<Taken> taken) {
  std::unique_ptr<Client> client = std::move(taken->client);
  if (!taken->state.tunnel.empty()) {
    TakenTunnel tunnel(services_, client->endpoint, client->connection, client->stream, std::move(taken->origin),
                       std::move(taken->state.tunnel.front()));
    taken.reset();
    co_await tunnel.run();
  } else {
    Http1Session session(services_, client->endpoint, client->connection, client->stream);
    session.take_over(taken->state.read);
    taken.reset();
    for (;;) {
      const Http1Session::Ended how = co_await session.run();
      if (how == Http1Session::Ended::kClosed) break;
      if (how == Http1Session::Ended::kHttp2) {
        co_await serve_http2(*client, session.buffer());
        break;
      }
      const Left left = co_await hand_over_idle(services_, client->connection, session.read());
      if (left == Left::kYes) break;
    }
  }
  ended(std::move(client));
}

}  // namespace sluice::worker
