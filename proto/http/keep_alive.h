// What the Keep-Alive field of a response says about the connection it came on. RFC 2068 section 19.7.1.1 had it, no
// later RFC does, and nearly every server sends it: it is how an origin tells when it will close an idle connection.
#pragma once
#include <cstdint>
#include <optional>

#include "proto/http/fields.h"

namespace sluice::http {

struct KeepAliveHint {
  std::optional<std::uint32_t> timeout_seconds;  ///< the origin closes after so long without a request
  std::optional<std::uint32_t> most_requests;    ///< requests that it will still take
};

/// Parameters that are no numbers, or too large ones, are as if they were not there: it is a hint.
[[nodiscard]] KeepAliveHint keep_alive_hint(const Fields& fields);

}  // namespace sluice::http
