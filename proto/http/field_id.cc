// The names behind field_id.h, and an index by length: a name of the wrong length is not compared at all, and of the
// right length only those whose first letter fits.
#include "proto/http/field_id.h"

#include <algorithm>
#include <array>
#include <bit>

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
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "X-Request-ID",
};
constexpr std::size_t kLongest = std::ranges::max_element(kNames, {}, &std::string_view::size)->size();

// The first and the last eight bytes of a name, which overlap in names below 16 bytes; in short names, the first and
// last four or single bytes. Two names of one length up to 16 are equal when their keys are.
struct Key {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  friend constexpr bool operator==(const Key&, const Key&) = default;
};
constexpr std::size_t kKeyCovers = 16;

template <class Word>
constexpr Word load(const char* at) {
  std::array<char, sizeof(Word)> bytes{};
  std::copy_n(at, sizeof(Word), bytes.begin());
  return std::bit_cast<Word>(bytes);
}

constexpr Key key_of(std::string_view name) {
  const char* begin = name.data();
  const char* end = begin + name.size();
  if (name.size() >= 8) return {load<std::uint64_t>(begin), load<std::uint64_t>(end - 8)};
  if (name.size() >= 4) return {load<std::uint32_t>(begin), load<std::uint32_t>(end - 4)};
  if (name.size() >= 2) return {load<std::uint16_t>(begin), load<std::uint16_t>(end - 2)};
  return {};
}

// Setting bit 0x20 makes letters small and leaves '-' and digits alone. It also makes '-' of CR and digits of other
// control bytes: those have neither bit 0x20 nor bit 0x40, which is how plain() knows them.
constexpr std::uint64_t kSmall = 0x2020202020202020;
constexpr Key lower(const Key& key) {
  return {key.first | kSmall, key.last | kSmall};
}
constexpr bool plain(std::string_view name) {
  return std::ranges::none_of(name, [](char c) { return static_cast<std::uint8_t>(c) < 0x20; });
}

struct Known {
  Key key;
  FieldId id = FieldId::kOther;
};
struct ByLength {
  std::array<Known, kFieldIds> names{};            // sorted by the length of the name
  std::array<std::uint8_t, kLongest + 2> start{};  // names of length n are [start[n], start[n + 1])
};
consteval ByLength make_index() {
  ByLength index;
  std::size_t used = 0;
  for (std::size_t length = 1; length <= kLongest; ++length) {
    index.start[length] = static_cast<std::uint8_t>(used);
    for (std::size_t id = 1; id < kFieldIds; ++id)
      if (kNames[id].size() == length) index.names[used++] = {lower(key_of(kNames[id])), static_cast<FieldId>(id)};
  }
  index.start[kLongest + 1] = static_cast<std::uint8_t>(used);
  return index;
}
constexpr ByLength kIndex = make_index();
}  // namespace

FieldId field_id(std::string_view name) {
  if (name.size() < 2 || name.size() > kLongest) return FieldId::kOther;
  const Key key = lower(key_of(name));
  for (std::size_t i = kIndex.start[name.size()]; i < kIndex.start[name.size() + 1]; ++i) {
    const Known& known = kIndex.names[i];
    if (known.key != key || !plain(name)) continue;
    if (name.size() > kKeyCovers && !equal_ignore_case(name, kNames[static_cast<std::size_t>(known.id)])) continue;
    return known.id;
  }
  return FieldId::kOther;
}

std::string_view field_name(FieldId id) {
  return kNames[static_cast<std::size_t>(id)];
}

}  // namespace sluice::http
