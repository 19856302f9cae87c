// See introduce.h.
#include "worker/flow/introduce.h"

#include "base/sys.h"
#include "proto/proxy_protocol/header.h"

namespace sluice::worker {
namespace {

// Where the client connected to: as its load balancer said, otherwise our end of its connection.
Result<SocketAddress> destination_of(const ClientConnection& client) {
  if (client.destination != nullptr) return *client.destination;
  RawAddress raw;
  if (Result<> named = sys::local_name(client.socket, raw.storage, raw.size); !named) return fail(named.error());
  return SocketAddress::from_raw(raw);
}

}  // namespace

std::string introduction(ipc::SendProxy form, const ClientConnection& client) {
  if (form == ipc::SendProxy::kOff) return {};
  std::optional<proxy_protocol::Addresses> told;
  if (Result<SocketAddress> destination = destination_of(client); destination)
    told = {.source = client.core.peer, .destination = std::move(*destination)};
  return proxy_protocol::write(
      form == ipc::SendProxy::kV1 ? proxy_protocol::Version::kV1 : proxy_protocol::Version::kV2, told);
}

}  // namespace sluice::worker
