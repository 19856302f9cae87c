// A second reading of a head that our own reader has accepted, by llhttp in strict mode.
//
// Two readers written by different people rarely share a mistake: a head is only believed when both found the same
// method, target, version, status and the same bytes in the same fields. llhttp has a say in syntax only. Where it
// refuses because of framing (Content-Length, Transfer-Encoding), the answer is kFraming and framing.h decides, which
// is stricter and says why.
#pragma once
#include <cstdint>
#include <string_view>

#include "proto/http/head.h"

namespace sluice::http1 {

enum class Opinion : std::uint8_t {
  kSame,
  kFraming,    ///< llhttp refuses the framing fields
  kDifferent,  ///< llhttp refuses the head or reads it otherwise
};

/// `bytes` are the very bytes that `head` has views into.
[[nodiscard]] Opinion second_opinion(std::string_view bytes, const http::RequestHead& head);
[[nodiscard]] Opinion second_opinion(std::string_view bytes, const http::ResponseHead& head);

}  // namespace sluice::http1
