// The client's connection preface, RFC 9113 section 3.4: how a client with prior knowledge says that it speaks HTTP/2.
// It was chosen so that no HTTP/1 server takes it for a request.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string_view>

namespace sluice::http2 {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum class Preface : std::uint8_t { kNo, kYes, kPerhaps };
/// What the first bytes of a connection are; kPerhaps: more of them will tell.
[[nodiscard]] constexpr Preface match_preface(std::string_view bytes) {
  const std::string_view begin = bytes.substr(0, std::min(bytes.size(), kPreface.size()));
  if (begin != kPreface.substr(0, begin.size())) return Preface::kNo;
  return begin.size() == kPreface.size() ? Preface::kYes : Preface::kPerhaps;
}

}  // namespace sluice::http2
