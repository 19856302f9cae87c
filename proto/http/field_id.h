// FieldId: the field names that the proxy itself knows, so that looking one up compares an integer and not a string.
//
// A name gets its id once, when the field is added. kOther is every name not in the list; two fields of kOther are
// compared by name. The list must stay below 64 entries: Fields keeps a bit per id.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace sluice::http {

enum class FieldId : std::uint8_t {
  kOther,
  kAccept,
  kAcceptEncoding,
  kAuthorization,
  kCacheControl,
  kConnection,
  kContentEncoding,
  kContentLength,
  kContentRange,
  kContentType,
  kCookie,
  kDate,
  kExpect,
  kForwarded,
  kHost,
  kHttp2Settings,
  kKeepAlive,
  kLocation,
  kMaxForwards,
  kOrigin,
  kProxyAuthenticate,
  kProxyAuthenticationInfo,
  kProxyAuthorization,
  kProxyConnection,
  kProxyStatus,
  kRange,
  kReferer,
  kRetryAfter,
  kSecWebsocketAccept,
  kSecWebsocketKey,
  kSecWebsocketVersion,
  kServer,
  kSetCookie,
  kTe,
  kTrailer,
  kTransferEncoding,
  kUpgrade,
  kUserAgent,
  kVia,
  kWwwAuthenticate,
  kXForwardedFor,
  kXForwardedHost,
  kXForwardedPort,
  kXForwardedPrefix,
  kXForwardedProto,
  kXRealIp,
  kXRequestId,
};
inline constexpr std::size_t kFieldIds = static_cast<std::size_t>(FieldId::kXRequestId) + 1;
static_assert(kFieldIds <= 64, "Fields keeps one bit per id");

/// Some of the ids, to ask for all at once.
class FieldIds {
 public:
  constexpr FieldIds(std::initializer_list<FieldId> ids) {
    for (const FieldId id : ids) bits_ |= std::uint64_t{1} << static_cast<unsigned>(id);
  }
  [[nodiscard]] constexpr std::uint64_t bits() const { return bits_; }

 private:
  std::uint64_t bits_ = 0;
};

/// The id of a name, whatever its case; kOther for a name that is not in the list.
[[nodiscard]] FieldId field_id(std::string_view name);
/// The name as we write it, "Content-Length"; empty for kOther.
[[nodiscard]] std::string_view field_name(FieldId id);

}  // namespace sluice::http
