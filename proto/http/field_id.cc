// The names behind field_id.h, and an index by length: a name of the wrong length is not compared at all, and of the
// right length only those whose first letter fits.
#include "proto/http/field_id.h"

#include <algorithm>
#include <array>

#include "proto/http/ascii.h"

namespace sluice::http {
namespace {
constexpr std::array<std::string_view, kFieldIds> kNames = {
    "",
    "Accept",
    "Accept-Encoding",
    "Authorization",
    "Cache-Control",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "Cookie",
    "Date",
    "Expect",
    "Forwarded",
    "Host",
    "HTTP2-Settings",
    "Keep-Alive",
    "Location",
    "Max-Forwards",
    "Origin",
    "Proxy-Authenticate",
    "Proxy-Authentication-Info",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Proxy-Status",
    "Range",
    "Referer",
    "Retry-After",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Server",
    "Set-Cookie",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "User-Agent",
    "Via",
    "WWW-Authenticate",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "X-Request-ID",
};
constexpr std::size_t kLongest = std::ranges::max_element(kNames, {}, &std::string_view::size)->size();

struct ByLength {
  std::array<FieldId, kFieldIds> ids{};            // sorted by the length of the name
  std::array<std::uint8_t, kLongest + 2> start{};  // ids of length n are [start[n], start[n + 1])
};
consteval ByLength make_index() {
  ByLength index;
  std::size_t used = 0;
  for (std::size_t length = 0; length <= kLongest; ++length) {
    index.start[length] = static_cast<std::uint8_t>(used);
    for (std::size_t id = 0; id < kFieldIds; ++id)
      if (kNames[id].size() == length) index.ids[used++] = static_cast<FieldId>(id);
  }
  index.start[kLongest + 1] = static_cast<std::uint8_t>(used);
  return index;
}
constexpr ByLength kIndex = make_index();
}  // namespace

FieldId field_id(std::string_view name) {
  if (name.empty() || name.size() > kLongest) return FieldId::kOther;
  for (std::size_t i = kIndex.start[name.size()]; i < kIndex.start[name.size() + 1]; ++i) {
    const FieldId id = kIndex.ids[i];
    const std::string_view known = kNames[static_cast<std::size_t>(id)];
    if (to_lower(known.back()) == to_lower(name.back()) && equal_ignore_case(known, name)) return id;
  }
  return FieldId::kOther;
}

std::string_view field_name(FieldId id) {
  return kNames[static_cast<std::size_t>(id)];
}

}  // namespace sluice::http
