// The PROXY header in front of a client connection (proto/proxy_protocol), taken from the socket and from nothing else.
//
// The idea: the bytes are peeked at until the header is whole, and then exactly its bytes are read: what follows it
// belongs to whatever protocol comes next, which starts as if the connection had just been accepted.
#pragma once
#include <optional>

#include "base/result.h"
#include "base/task.h"
#include "proto/proxy_protocol/header.h"
#include "worker/flow/socket_stream.h"

namespace sluice::worker {

/// Nothing inside: the load balancer speaks for itself (LOCAL) or does not know (UNKNOWN). Errors: kBadSyntax for
/// bytes that are no correct header, kTimeout, kClosed, kReset and others of the system; Side::kClient.
Task<Result<std::optional<proxy_protocol::Addresses>>> take_proxy_header(Loop& loop, SocketStream& stream,
                                                                         Deadline deadline);

}  // namespace sluice::worker
