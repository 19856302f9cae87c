// What holds requests together when a group is balanced by hash: the client's address, a header field, a cookie or the
// path, as one number.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/net/address.h"
#include "ipc/settings/upstream.h"
#include "proto/http/head.h"

namespace sluice::worker {

/// Nothing when the request does not have it: it is then balanced as if there were no hash.
[[nodiscard]] std::optional<std::uint64_t> balance_key(const ipc::HashSettings& settings,
                                                       const http::RequestHead& request, const SocketAddress& client);

/// The value of the first cookie of that name (RFC 6265 section 4.2).
[[nodiscard]] std::optional<std::string_view> cookie_value(const http::Fields& fields, std::string_view name);

}  // namespace sluice::worker
