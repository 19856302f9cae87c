// ForwardedRules: what an endpoint does with Forwarded (RFC 7239) and the X-Forwarded fields, as its settings say.
//
// In two steps. receive(), before any hook sees the request: from a peer that is not trusted all of them go; from a
// trusted one they stay, and the client is found in them. say(), when the request is made ready for an origin: chains
// that are there get our element, fields of `emit` that are not there are made, a chain from the other one when only
// that came, so that the two never contradict each other. A request that has none of the fields, at an endpoint that
// emits none, costs two comparisons. Immutable, one per endpoint.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "app/sluice/context.h"
#include "base/net/cidr.h"
#include "ipc/settings/endpoint.h"
#include "proto/http/forwarded.h"

namespace sluice::worker {

enum class Transport : std::uint8_t { kClear, kTls };

class ForwardedRules {
 public:
  /// From whom a request came, and how.
  struct Arrival {
    const SocketAddress& peer;
    const SocketAddress& client;  ///< what receive() found, or the peer
    Transport transport;          ///< of the peer; what the request says of its scheme proves nothing
  };

  static constexpr http::FieldIds kFields = {http::FieldId::kForwarded,        http::FieldId::kXForwardedFor,
                                             http::FieldId::kXForwardedHost,   http::FieldId::kXForwardedPort,
                                             http::FieldId::kXForwardedPrefix, http::FieldId::kXForwardedProto,
                                             http::FieldId::kXRealIp};

  /// The settings have been checked when the configuration was read.
  explicit ForwardedRules(const ipc::EndpointSettings& settings);

  /// Removes what is not to be believed. The client, when a trusted peer names one.
  [[nodiscard]] std::optional<IpAddress> receive(http::Fields& fields, const SocketAddress& peer) const;

  [[nodiscard]] bool has_to_say(const http::Fields& fields) const { return emits_ || fields.may_have(kFields); }
  void say(http::RequestHead& request, const Arrival& arrival) const;

 private:
  [[nodiscard]] bool trusts(const SocketAddress& peer) const;
  [[nodiscard]] bool emits(ipc::ForwardedField field) const;
  [[nodiscard]] std::optional<IpAddress> client_of(const http::ForwardedChain& chain) const;
  [[nodiscard]] std::string our_element(const http::RequestHead& request, const Arrival& arrival) const;

  const ipc::ForwardedSettings& settings_;
  std::string by_;
  Networks trusted_;
  bool trusts_unix_ = false;
  bool emits_;
};

}  // namespace sluice::worker
