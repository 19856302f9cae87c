// The acceptor's part in TLS: the handshake with a client, and what is said of one that fails. See acceptor.h.
#include "worker/flow/io.h"
#include "worker/onramp/acceptor.h"

namespace sluice::worker {

Task<Result<>> Acceptor::secure(Client& client) {
  ClientConnection& connection = client.connection;
  connection.slot.state(ipc::ConnectionState::kReading);
  auto secured = std::make_unique<Client::Secured>();
  secured->server = endpoint(client.endpoint).tls;  // to the end of the connection, whatever is in force by then
  secured->stream =
      secured->server->open(services_.loop, client.stream, {.signer = services_.signer, .tickets = services_.tickets});
  client.secured = std::move(secured);
  TlsStream& stream = *client.secured->stream;
  const Nanos before = services_.loop.now();
  const Result<> done = co_await stream.handshake(services_.loop.in(client.secured->server->timeout()));
  if (done) {
    connection.tls = &stream;
    const Handshake how = stream.resumed() ? Handshake::kResumed : Handshake::kFull;
    services_.metrics.client_secured(client.endpoint, how, services_.loop.now() - before);
    co_return Result<>();
  }
  services_.metrics.client_not_secured(client.endpoint, done.error().code());
  services_.log.info("TLS handshake failed", {{"connection", connection.core.id},
                                              {"client", connection.core.peer.text()},
                                              {"endpoint", name_of(client.endpoint)},
                                              {"server_name", stream.server_name()},
                                              {"why", done.error().message()}});
  // the alert that says why is lost to a reset when the client is still sending
  const Code code = done.error().code();
  if (code != Code::kClosed && code != Code::kReset && code != Code::kTimeout)
    co_await lingering_close(services_.loop, client.stream);
  co_return done;
}

bool Acceptor::Client::end_if_quiet() {
  if (secured != nullptr && stream.quiet()) secured->stream->take_leave();
  return stream.end_if_quiet();
}

}  // namespace sluice::worker
