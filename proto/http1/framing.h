// Framing: how long the body of a message is, RFC 9112 section 6.3, read as strictly as it can be read.
//
// Request smuggling lives on two servers that find different ends of one message, so whatever is open to two readings
// is refused: Content-Length and Transfer-Encoding together; a Content-Length that is repeated, even with the same
// value ("5, 5" and two lines of 5: RFC 9110 section 8.6 lets a recipient repair it or refuse it, and the server behind
// us may repair it to something else), is signed, spaced, empty or overflows 63 bits; any transfer coding but exactly
// one "chunked"; a transfer coding in HTTP/1.0. A message without a body by its nature has none whatever its fields
// say.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/http/fault.h"
#include "proto/http/head.h"

namespace sluice::http1 {

struct Framing {
  enum class Kind : std::uint8_t {
    kNone,        ///< no body
    kLength,      ///< `length` bytes
    kChunked,     ///< chunked coding, trailers may follow
    kUntilClose,  ///< up to the end of the connection; responses only
  };
  Kind kind = Kind::kNone;
  std::uint64_t length = 0;

  [[nodiscard]] static Framing none() { return {}; }
  [[nodiscard]] static Framing of_length(std::uint64_t length) { return {Kind::kLength, length}; }
  [[nodiscard]] static Framing chunked() { return {Kind::kChunked, 0}; }
  [[nodiscard]] static Framing until_close() { return {Kind::kUntilClose, 0}; }
  /// True when there is no byte of body to come: kNone, or kLength of 0.
  [[nodiscard]] bool empty() const { return kind == Kind::kNone || (kind == Kind::kLength && length == 0); }
  /// Bytes of body; nothing when its end shows only when it comes.
  [[nodiscard]] std::optional<std::uint64_t> known_length() const {
    if (kind == Kind::kChunked || kind == Kind::kUntilClose) return std::nullopt;
    return kind == Kind::kLength ? length : 0;
  }
  friend bool operator==(const Framing&, const Framing&) = default;
};

/// After any fault the connection must be closed once the answer is sent: nobody knows where the next request begins.
/// CONNECT has no body: what follows its head belongs to the tunnel.
[[nodiscard]] http::Parsed<Framing> request_framing(const http::RequestHead& head);

/// `asked` is the method of the request this answers. For CONNECT with a 2xx, and for 101, what follows is the tunnel.
/// A fault is the origin's: answer 502, close its connection.
[[nodiscard]] http::Parsed<Framing> response_framing(const http::ResponseHead& head, http::Method asked);

/// Makes the fields say what the framing is: exactly one of Content-Length, Transfer-Encoding: chunked, or neither. For
/// heads about to be written. kNone removes nothing but Transfer-Encoding, because the Content-Length of an answer to
/// HEAD and of a 304 speaks of the body that was not sent.
void declare_framing(http::Fields& fields, const Framing& framing);
/// The same for a response to `asked`. Where there is no body, Content-Length goes too, but from an answer to HEAD and
/// a 304: a 1xx, a 204 and a 2xx to CONNECT must have neither field (RFC 9110 sections 8.6 and 9.3.6).
void declare_framing(http::ResponseHead& head, http::Method asked, const Framing& framing);

/// A Content-Length value: digits and nothing else, below 2^63. Errors: kBadContentLength.
[[nodiscard]] http::Parsed<std::uint64_t> parse_content_length(std::string_view value);

}  // namespace sluice::http1
