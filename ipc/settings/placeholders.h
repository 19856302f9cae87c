// The placeholders of templates in the configuration: what may stand in "${…}" (base/template_text.h).
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice::ipc {

/// In the order of kPlaceholderNames. Those from kStatus on are known only where we answer an error.
enum class Placeholder : std::uint8_t {
  kScheme,     ///< of the request: "http"
  kAuthority,  ///< host and port as the client asked for them
  kHost,       ///< the host alone, an IPv6 address in brackets
  kPath,       ///< without query
  kQuery,      ///< without "?"
  kTarget,     ///< path and query
  kMethod,
  kClient,     ///< the client's address, without port
  kUser,       ///< who it has proved to be
  kRequestId,  ///< connection and request as in the access log: "17-3"
  kEndpoint,
  kStatus,
  kReason,
};
inline constexpr std::array<std::string_view, 13> kPlaceholderNames = {
    "scheme", "authority", "host",       "path",     "query",  "target", "method",
    "client", "user",      "request_id", "endpoint", "status", "reason"};
inline constexpr std::span<const std::string_view> kErrorPlaceholders = kPlaceholderNames;
inline constexpr std::span<const std::string_view> kRequestPlaceholders =
    std::span(kPlaceholderNames).first(static_cast<std::size_t>(Placeholder::kStatus));

}  // namespace sluice::ipc
