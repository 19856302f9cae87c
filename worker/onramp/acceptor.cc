// See acceptor.h.
#include "worker/onramp/acceptor.h"

#include <cerrno>

#include "base/fd_events.h"
#include "base/sys.h"
#include "worker/flow/call_hook.h"
#include "worker/onramp/http1_session.h"
#include "worker/onramp/proxy_header.h"

namespace sluice::worker {
namespace {
constexpr Millis kOutOfDescriptors(
    100);  // pause when the process has no descriptor or memory left for another connection

std::int64_t unix_ms() {
  return std::chrono::duration_cast<Millis>(wall_now().time_since_epoch()).count();
}
}  // namespace

Acceptor::Client::Client(const Services& all, const Endpoint& at, SocketAddress peer, Fd fd, Client*& list)
    : services(all),
      endpoint(at),
      connection(all.hooks.connection_context, all.table.add(peer, static_cast<std::uint16_t>(at.index), unix_ms()),
                 all.loop.now()),
      stream(all.loop, std::move(fd)),
      next(list),
      link(&list) {
  connection.peer_text = peer.text();
  connection.core.peer = std::move(peer);
  connection.core.endpoint = at.settings.name;
  connection.socket = stream.plain_socket();
  if (next != nullptr) next->link = &next;
  list = this;
  services.metrics.connection_accepted(endpoint.index);
}

Acceptor::Client::~Client() {
  *link = next;
  if (next != nullptr) next->link = link;
  services.metrics.connection_closed(endpoint.index);
}

void Acceptor::add(Fd listener, const Endpoint& endpoint) {
  Listening& listening = *listening_.emplace_back(std::make_unique<Listening>(std::move(listener), endpoint));
  listening.task.spawn([this, &listening] { return run(listening); });
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
  while (!full() && !crowded_) {
    RawAddress peer;
    sys::Accepted accepted = sys::accept(listening.socket.get(), peer.storage, peer.size);
    if (accepted.fd) {
      if (static_cast<std::size_t>(accepted.fd.get()) >= descriptor_mark_) crowd();
      Result<SocketAddress> address = SocketAddress::from_raw(peer);
      if (!address) continue;
      if (!may_connect(listening.endpoint, *address)) {
        services_.metrics.connection_refused(listening.endpoint.index, Refused::kUntrusted);
        continue;
      }
      // behind a load balancer the source is known later
      Sources::Visit visit;
      if (!listening.endpoint.settings.proxy_protocol.enabled) {
        if (const std::optional<Refused> reason = count_source(*address, visit)) {
          services_.metrics.connection_refused(listening.endpoint.index, *reason);
          continue;
        }
      }
      auto client = std::make_unique<Client>(services_, listening.endpoint, std::move(*address), std::move(accepted.fd),
                                             clients_);
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
        services_.log.warn("accept failed", {{"endpoint", listening.endpoint.settings.name},
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
  const Deadline deadline = services_.loop.in(client.endpoint.settings.proxy_protocol.timeout);
  Result<std::optional<proxy_protocol::Addresses>> told =
      co_await take_proxy_header(services_.loop, client.stream, deadline);
  if (!told) co_return fail(std::move(told.error()));
  if (!*told) co_return Result<>();
  ClientConnection& connection = client.connection;
  auto& [source, destination] = **told;
  connection.peer_text = source.text();
  connection.slot.client(source);
  connection.core.peer = std::move(source);
  connection.destination = std::make_unique<SocketAddress>(std::move(destination));
  co_return Result<>();
}

void Acceptor::refuse(const Client& client, Refused reason, const Error& error) {
  services_.metrics.connection_refused(client.endpoint.index, reason);
  services_.log.info(
      "connection rejected",
      {{"connection", client.connection.core.id}, {"client", client.connection.peer_text}, {"why", error.message()}});
}

Task<> Acceptor::serve(std::unique_ptr<Client> client) {
  ClientConnection& connection = client->connection;
  bool welcome = true;
  if (client->endpoint.settings.proxy_protocol.enabled) {
    const Result<> learned = co_await learn_client(*client);
    welcome = learned.has_value();
    if (!welcome) {
      refuse(*client, Refused::kProxyHeader, learned.error());
    } else if (const std::optional<Refused> reason = count_source(connection.core.peer, client->visit)) {
      welcome = false;
      services_.metrics.connection_refused(client->endpoint.index, *reason);
    }
  }
  if (welcome && services_.hooks.ingress != nullptr) {
    const Result<> decided = co_await call_ingress(services_, connection.core);
    welcome = decided.has_value();
    if (!welcome) refuse(*client, Refused::kHook, decided.error());
  }
  if (welcome) {
    Http1Session session(services_, client->endpoint, connection, client->stream);
    co_await session.run();
  }
  if (client->shed) --shedding_;
  client.reset();
  for (const auto& listening : listening_) listening->room.set();
}

void Acceptor::drain() {
  for (const auto& listening : listening_) {
    listening->task.cancel();
    const bool emptied = accept_all(*listening);
    static_cast<void>(emptied);
  }
  listening_.clear();
  for (Client* client = clients_; client != nullptr; client = client->next) client->stream.readable().set();
}

Task<bool> Acceptor::wait_for_end(Deadline deadline) {
  const Wake wake = co_await sessions_.join(services_.loop, deadline);
  co_return wake == Wake::kReady;
}

}  // namespace sluice::worker
