// The handshake of WebSocket over HTTP/1.1 (RFC 6455 section 4), as far as a proxy takes part in it: HTTP/2 has no keys
// (RFC 8441 section 5), so where one side speaks it and the other does not, we are the one who makes or answers them.
// It proves that the server understood; it is no secret.
#pragma once
#include <string>
#include <string_view>

namespace sluice::worker {

/// A fresh Sec-WebSocket-Key.
[[nodiscard]] std::string websocket_key();
/// The Sec-WebSocket-Accept that answers a key.
[[nodiscard]] std::string websocket_accept(std::string_view key);

}  // namespace sluice::worker
