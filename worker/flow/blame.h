// What a client is told about an error: which status, and which error type of Proxy-Status (RFC 9209 section 2.3). The
// code of an error alone does not say: the same timeout is a 408 when the client was slow, connection_timeout while we
// dialled and http_response_timeout while the origin thought. So the exchange keeps the stage that it is in.
#pragma once
#include <cstdint>
#include <string_view>

#include "base/error.h"

namespace sluice::worker {

/// How far an exchange has come, as far as the origin is concerned.
enum class Stage : std::uint8_t {
  kRequest,     ///< ours alone: checks, hooks, routing
  kConnecting,  ///< name look-up and dial
  kAwaiting,    ///< the request is on its way, the final response head has not come
  kSwitching,   ///< the origin has said 101
  kAnswered,    ///< the final response head has come
};

/// The status to answer with, when an answer is still possible.
[[nodiscard]] std::uint16_t status_for(const Error& error);
/// The error type of Proxy-Status.
[[nodiscard]] std::string_view error_type(const Error& error, Stage stage);

}  // namespace sluice::worker
