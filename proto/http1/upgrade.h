// Upgrade: leaving HTTP/1.1 for another protocol on the same connection, RFC 9110 section 7.8.
//
// A proxy takes part in an upgrade only for protocols it was told to let through: forwarding any token opens a tunnel
// past every rule ("h2c" above all, by which a client speaks HTTP/2 to the origin unseen). Bytes after the head are the
// new protocol's only once the origin has said 101 to what we offered (RFC 9931): before that nothing of them is sent
// on, and when the upgrade is refused they are not parsed as a request either: the connection is closed after the
// answer.
#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "proto/http/fault.h"
#include "proto/http/head.h"

namespace sluice::http1 {

/// The first protocol on offer that is among `allowed` (whatever its case), as the client wrote it. nullopt: the
/// request is served without upgrade, which a server always may. So are an HTTP/1.0 request, one without Connection:
/// upgrade, CONNECT, and one with a body, because then it is open where the new protocol begins. Ask before
/// remove_hop_by_hop(); the view lives as long as the head.
[[nodiscard]] std::optional<std::string_view> wanted_upgrade(const http::RequestHead& head,
                                                             std::span<const std::string_view> allowed);

/// Writes Connection: upgrade and Upgrade: `protocol`, on a request we forward or on the 101 that we pass back. Call it
/// after remove_hop_by_hop().
void declare_upgrade(http::Fields& fields, std::string_view protocol);

/// Whether a 101 switches to the protocol we offered. Errors: kBadUpgrade when it names another, none, several, or when
/// nothing was offered (`offered` is empty); the origin's connection is worth nothing then.
[[nodiscard]] http::Parsed<> check_switch(const http::ResponseHead& head, std::string_view offered);

}  // namespace sluice::http1
