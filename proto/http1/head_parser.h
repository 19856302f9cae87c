// RequestParser and ResponseParser: from the bytes of a connection to the head of a message, RFC 9112 sections 2 to 5.
//
// Fed with everything that is buffered and unread, as often as more arrives; a parser remembers how far it has looked
// for line ends, so input that comes byte by byte costs no more than input that comes at once. When the head is
// complete it is copied once, into the arena of the head's Fields, and read there twice: by our own reader, which takes
// nothing that two servers could read differently (head_reader.h), and by llhttp in strict mode (second_opinion.h).
// Only what both read alike is accepted. How the body is framed is decided in framing.h, never by llhttp.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proto/http/fault.h"
#include "proto/http/head.h"

namespace sluice::http1 {

struct HeadLimits {
  std::uint32_t start_line = 8192;  ///< bytes of the start line
  std::uint32_t head = 32768;       ///< bytes of the head, start line and final empty line included
  std::uint32_t fields = 128;       ///< field lines
  std::uint32_t empty_lines = 4;    ///< empty lines skipped before a request line (RFC 9112 section 2.2)
};

/// Finds the end of a head in bytes that arrive piece by piece, and refuses bare line feeds and heads beyond the limits
/// as soon as they show.
class HeadScanner {
 public:
  explicit HeadScanner(const HeadLimits& limits) : limits_(limits) {}
  /// The size of the head, its final empty line included, 0 when it is not complete. `bytes` begin where they began
  /// before.
  [[nodiscard]] http::Parsed<std::size_t> scan(std::string_view bytes);
  /// True when a byte of the message has been seen.
  [[nodiscard]] bool started() const { return started_; }
  void reset();

 private:
  HeadLimits limits_;
  std::size_t scanned_ = 0;     // no line end before this
  std::size_t line_start_ = 0;  // of the line that is not complete yet
  std::size_t lines_ = 0;
  bool started_ = false;
};

class RequestParser {
 public:
  explicit RequestParser(const HeadLimits& limits = {}) : limits_(limits), scanner_(limits) {}

  /// Bytes consumed when the head is complete and in `into` (which is cleared first), with target and Host settled; 0
  /// when more is needed: then call again with the same bytes and more behind them. After a fault the connection cannot
  /// be parsed any further: answer facts(fault).status and close. After a head, the parser is ready for the next.
  [[nodiscard]] http::Parsed<std::size_t> parse(std::string_view buffered, http::RequestHead& into);

  /// True while a request has begun and is not complete: closing now cuts it short. Empty lines do not begin one.
  [[nodiscard]] bool in_head() const { return scanner_.started(); }

 private:
  [[nodiscard]] http::Parsed<std::size_t> skip_empty_lines(std::string_view buffered);

  HeadLimits limits_;
  HeadScanner scanner_;
};

class ResponseParser {
 public:
  explicit ResponseParser(const HeadLimits& limits = {}) : limits_(limits), scanner_(limits) {}

  /// As RequestParser::parse(). Any fault here is the origin's: a 502 to the client.
  [[nodiscard]] http::Parsed<std::size_t> parse(std::string_view buffered, http::ResponseHead& into);
  /// True when a byte of the response has come: the request must not be repeated any more.
  [[nodiscard]] bool in_head() const { return scanner_.started(); }

 private:
  HeadLimits limits_;
  HeadScanner scanner_;
};

}  // namespace sluice::http1
