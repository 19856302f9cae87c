// See acceptor.h.
#include "worker/onramp/acceptor.h"

#include <algorithm>
#include <cerrno>

#include "base/fd_events.h"
#include "base/sys.h"
#include "worker/flow/call_hook.h"
#include "worker/flow/client_side.h"
#include "worker/handover/leaving.h"
#include "worker/onramp/http1_session.h"
#include "worker/onramp/http2_session.h"
#include "worker/onramp/proxy_header.h"

namespace sluice::worker {
namespace {
constexpr Millis kOutOfDescriptors(
    100);  // pause when the process has no descriptor or memory left for another connection

std::int64_t unix_ms() {
  return std::chrono::duration_cast<Millis>(wall_now().time_since_epoch()).count();
}
}  // namespace

Acceptor::Client::Client(const Services& all, EndpointIndex at, SocketAddress peer, ipc::ConnectionSlot row, Fd fd,
                         Client*& list, Came came)
    : services(all),
      endpoint(at),
      connection(all.hooks.connection_context, std::move(row), all.loop.now()),
      stream(all.loop, std::move(fd)),
      next(list),
      link(&list) {
  connection.core.peer = std::move(peer);
  connection.core.endpoint = all.settings.endpoints[at].name;
  connection.socket = stream.plain_socket();
  if (next != nullptr) next->link = &next;
  list = this;
  if (came == Came::kAccepted) {
    services.metrics.connection_accepted(endpoint);
  } else {
    services.metrics.connection_taken(endpoint);
  }
}

Acceptor::Client::~Client() {
  *link = next;
  if (next != nullptr) next->link = link;
  services.metrics.connection_closed(endpoint);
}

void Acceptor::add(std::uint32_t number, Fd listener, EndpointIndex endpoint) {
  listening_.push_back(std::make_unique<Listening>(number, std::move(listener), endpoint));
}

void Acceptor::accept() {
  for (const auto& listening : listening_)
    if (listening->task.empty()) listening->task.spawn([this, &one = *listening] { return run(one); });
  if (!marked_) return;
  marked_ = false;
  for (Client* client = clients_; client != nullptr; client = client->next) {
    client->connection.slot.forget_marks();
    if (client->connection.streams != nullptr) client->connection.streams->forget_marks();
  }
  services_.table.clear_ledger();
}

void Acceptor::pause(std::span<const std::uint32_t> keep) {
  for (const auto& listening : listening_)
    if (std::ranges::find(keep, listening->number) == keep.end()) listening->task.cancel();
  mark_open();
}

void Acceptor::mark_open() {
  if (marked_) return;
  marked_ = true;
  for (Client* client = clients_; client != nullptr; client = client->next) {
    ipc::ConnectionSlot& slot = client->connection.slot;
    slot.mark(ipc::Work::kConnection);
    if (client->connection.streams != nullptr) {
      client->connection.streams->mark_open();
    } else if (slot.state() == ipc::ConnectionState::kTunnel) {
      slot.mark(ipc::Work::kTunnel);
    } else if (slot.state() != ipc::ConnectionState::kIdle) {
      slot.mark(ipc::Work::kRequest);
    }
  }
}

Task<> Acceptor::run(Listening& listening) {
  FdEvents events(services_.loop, listening.socket.get());
  for (;;) {
    if (full() || still_crowded()) {  // the kernel's queue holds the others
      if (!crowded_) services_.metrics.accept_paused(AcceptPaused::kConnections);
      const Deadline look_again = crowded_ ? services_.loop.in(kOutOfDescriptors) : Deadline::never();
      listening.room.clear();
      const Wake room = co_await listening.room.wait(services_.loop, look_again);
      static_cast<void>(room);
      continue;
    }
    const Wake wake = co_await events.readable.wait(services_.loop, Deadline::never());
    static_cast<void>(wake);
    events.readable.clear();
    const bool emptied = accept_all(listening);
    if (!emptied) {
      events.readable.set();
      if (full() || crowded_) continue;
      co_await services_.loop.sleep(kOutOfDescriptors);
    }
  }
}

bool Acceptor::accept_all(Listening& listening) {
  const Endpoint& at = endpoint(listening.endpoint);
  while (!full() && !crowded_) {
    RawAddress peer;
    sys::Accepted accepted = sys::accept(listening.socket.get(), peer.storage, peer.size);
    if (accepted.fd) {
      if (static_cast<std::size_t>(accepted.fd.get()) >= descriptor_mark_) crowd();
      Result<SocketAddress> address = SocketAddress::from_raw(peer);
      if (!address) continue;
      if (!may_connect(at, *address)) {
        services_.metrics.connection_refused(at.index, Refused::kUntrusted);
        continue;
      }
      // behind a load balancer the source is known later
      Sources::Visit visit;
      if (!at.settings.proxy_protocol.enabled) {
        if (const std::optional<Refused> reason = count_source(*address, visit)) {
          services_.metrics.connection_refused(at.index, *reason);
          continue;
        }
      }
      ipc::ConnectionSlot row =
          services_.table.add(*address, static_cast<std::uint16_t>(listening.endpoint), unix_ms());
      auto client = std::make_unique<Client>(services_, listening.endpoint, std::move(*address), std::move(row),
                                             std::move(accepted.fd), clients_, Came::kAccepted);
      client->visit = std::move(visit);
      sessions_.spawn([this](std::unique_ptr<Client> c) { return serve(std::move(c)); }, std::move(client));
      continue;
    }
    switch (accepted.error) {
      case EAGAIN:
        return true;
      case ECONNABORTED:  // the client left while it was queued
      case EPROTO:
      case EINTR:
        continue;
      case EMFILE:
      case ENFILE:
        crowd();
        return false;
      default:
        services_.log.warn("accept failed", {{"endpoint", at.settings.name},
                                             {"error", Error::from_errno(accepted.error, "accept").message()}});
        return false;
    }
  }
  return false;
}

std::optional<Refused> Acceptor::count_source(const SocketAddress& from, Sources::Visit& visit) {
  Sources& sources = services_.limits.sources();
  if (!sources.limits_connections()) return std::nullopt;
  Sources::Arrival arrival = sources.arrive(from, services_.loop.now());
  visit = std::move(arrival.visit);
  switch (arrival.refused) {
    case Sources::Refusal::kNone:
      return std::nullopt;
    case Sources::Refusal::kConnections:
      return Refused::kSourceConnections;
    case Sources::Refusal::kRate:
      return Refused::kSourceRate;
  }
  return std::nullopt;
}

Task<Result<>> Acceptor::learn_client(Client& client) {
  const Deadline deadline = services_.loop.in(endpoint(client.endpoint).settings.proxy_protocol.timeout);
  Result<std::optional<proxy_protocol::Addresses>> told =
      co_await take_proxy_header(services_.loop, client.stream, deadline);
  if (!told) co_return fail(std::move(told.error()));
  if (!*told) co_return Result<>();
  ClientConnection& connection = client.connection;
  auto& [source, destination] = **told;
  connection.slot.client(source);
  connection.core.peer = std::move(source);
  connection.destination = std::make_unique<SocketAddress>(std::move(destination));
  co_return Result<>();
}

void Acceptor::refuse(const Client& client, Refused reason, const Error& error) {
  services_.metrics.connection_refused(client.endpoint, reason);
  services_.log.info("connection rejected", {{"connection", client.connection.core.id},
                                             {"client", client.connection.core.peer.text()},
                                             {"why", error.message()}});
}

Task<> Acceptor::serve(std::unique_ptr<Client> client) {
  ClientConnection& connection = client->connection;
  bool welcome = true;
  if (endpoint(client->endpoint).settings.proxy_protocol.enabled) {
    const Result<> learned = co_await learn_client(*client);
    welcome = learned.has_value();
    if (!welcome) {
      refuse(*client, Refused::kProxyHeader, learned.error());
    } else if (const std::optional<Refused> reason = count_source(connection.core.peer, client->visit)) {
      welcome = false;
      services_.metrics.connection_refused(client->endpoint, *reason);
    }
  }
  if (welcome && services_.hooks.ingress != nullptr) {
    const Result<> decided = co_await call_ingress(services_, connection.core);
    welcome = decided.has_value();
    if (!welcome) refuse(*client, Refused::kHook, decided.error());
  }
  if (welcome && endpoint(client->endpoint).tls != nullptr) {
    const Result<> secured = co_await secure(*client);
    welcome = secured.has_value();
  }
  if (welcome) {
    // here and not in a coroutine of its own, whose frame every connection would hold
    Http1Session session(services_, client->endpoint, connection, client->bytes());
    for (;;) {
      const Http1Session::Ended how = co_await session.run();
      if (how == Http1Session::Ended::kClosed) break;
      if (how == Http1Session::Ended::kHttp2) {
        co_await serve_http2(*client, session.buffer());
        break;
      }
      const Left left = co_await hand_over_idle(services_, connection, session.read());
      if (left == Left::kYes) break;
    }
  }
  ended(std::move(client));
}

Task<> Acceptor::serve_http2(Client& client, Buffer& read) {
  Http2Session session(services_, client.endpoint, client.connection, client.bytes());
  co_await session.run(read);
}

void Acceptor::ended(std::unique_ptr<Client> client) {
  if (client->secured != nullptr) client->secured->stream->take_leave();
  if (client->shed) --shedding_;
  client.reset();
  for (const auto& listening : listening_) listening->room.set();
}

void Acceptor::close_listeners() {
  for (const auto& listening : listening_) {
    if (listening->task.empty()) continue;  // the other generation has its queue
    listening->task.cancel();
    const bool emptied = accept_all(*listening);
    static_cast<void>(emptied);
  }
  listening_.clear();
  mark_open();
}

Task<std::size_t> Acceptor::drain(const restart::DrainOrder& order) {
  constexpr Millis kLook(100);
  std::size_t cut = 0;
  for (;;) {
    const Wake wake = co_await sessions_.join(services_.loop, services_.loop.in(kLook));
    if (wake == Wake::kReady) co_return cut;
    for (Client* client = clients_; client != nullptr; client = client->next) {
      wind_down(*client, order);
      if (enforce(*client, order)) ++cut;
    }
    // who does not see that its connection has ended (a hook that waits for something else) ends with the process
    const Nanos now = services_.loop.now();
    if (now >= order.ordered_at() + order.budgets().longest() + kLook) {
      for (Client* client = clients_; client != nullptr; client = client->next) {
        if (client->connection.slot.fate() == ipc::Fate::kCut) continue;
        client->connection.slot.set_fate(ipc::Fate::kCut);
        if (client->connection.streams != nullptr) client->connection.streams->cut();
        ++cut;
      }
      co_return cut;
    }
  }
}

Acceptor::Spent Acceptor::classify(const ClientConnection& connection, const restart::DrainBudgets& budgets) {
  const ipc::ConnectionState state = connection.slot.state();
  // one of HTTP/2 has been told, and ends by itself
  if (state == ipc::ConnectionState::kIdle && connection.streams == nullptr)
    return {.stage = Stage::kIdle, .what = "idle", .budget = budgets.idle};
  if (state == ipc::ConnectionState::kTunnel)
    return {.stage = Stage::kTunnel, .what = "tunnel", .budget = budgets.tunnel};
  const bool receiving = connection.streams != nullptr
                             ? connection.streams->receiving()
                             : connection.current != nullptr && connection.current->receiving();
  if (receiving) return {.stage = Stage::kUpload, .what = "upload", .budget = budgets.upload};
  return {.stage = Stage::kRequest, .what = "request", .budget = budgets.request};
}

// Connections of HTTP/2 are told to go within half of what an idle one may stay, each at a moment of its own. One that
// carries nothing but tunnels is left alone: some clients drop their tunnels at the first word (docs/http2.md).
void Acceptor::wind_down(const Client& client, const restart::DrainOrder& order) {
  const ClientConnection& connection = client.connection;
  if (connection.streams == nullptr || connection.slot.state() == ipc::ConnectionState::kTunnel) return;
  const Millis when = order.budgets().spread(order.budgets().idle, connection.core.id) / 2;
  if (services_.loop.now() >= order.ordered_at() + when) connection.streams->wind_down();
}

bool Acceptor::enforce(Client& client, const restart::DrainOrder& order) {
  ClientConnection& connection = client.connection;
  if (connection.slot.fate() == ipc::Fate::kCut || connection.halt.in_transit) return false;
  const Spent spent = classify(connection, order.budgets());
  const Nanos now = services_.loop.now();
  // an upload that has come whole still wants its answer, so each stage has its budget from when it began
  if (client.stage != spent.stage) client.stage_since = client.stage == Stage::kUnseen ? order.ordered_at() : now;
  client.stage = spent.stage;
  const Nanos began = spent.stage == Stage::kIdle ? connection.idle_since : client.stage_since;
  if (now < std::max(order.ordered_at(), began) + order.budgets().spread(spent.budget, connection.core.id))
    return false;
  if (connection.slot.state() == ipc::ConnectionState::kIdle) {
    if (!client.end_if_quiet()) return false;  // a request has come meanwhile
  } else {
    client.stream.abort();
  }
  connection.slot.set_fate(ipc::Fate::kCut);
  if (connection.streams != nullptr) connection.streams->cut();
  services_.log.info("connection cut", {{"connection", connection.core.id},
                                        {"client", connection.core.peer.text()},
                                        {"endpoint", name_of(client.endpoint)},
                                        {"what", spent.what},
                                        {"age_ms", std::chrono::floor<Millis>(now - connection.started).count()},
                                        {"requests", connection.requests},
                                        {"budget_ms", spent.budget.count()}});
  return true;
}

}  // namespace sluice::worker
