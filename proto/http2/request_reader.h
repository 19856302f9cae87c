// RequestReader: the fields of one request, as HPACK gives them one by one, become a RequestHead (RFC 9113 section
// 8.3).
//
// nghttp2 has checked before what makes a request malformed by section 8.1.1: names in lower case, order and number of
// the pseudo-fields, fields of the connection, control bytes. Here are the limits, and what a request must be to any
// other part of the proxy: the same as one of HTTP/1. Lines of Cookie are joined again (section 8.2.3); Host is what
// :authority says, and a Host that says something else makes the request malformed (section 8.3.1). Extended CONNECT
// (RFC 8441) is read as what it would be in HTTP/1.1, a GET with Upgrade; whoever answers it translates back.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "proto/http/fault.h"
#include "proto/http/head.h"
#include "proto/http1/framing.h"

namespace sluice::http2 {

struct HeadLimits {
  std::uint32_t start_line = 8 * 1024;  ///< method, scheme, authority and path together
  std::uint32_t head = 32 * 1024;       ///< all of it
  std::uint32_t fields = 100;
};

enum class EndsHere : std::uint8_t { kNo, kYes };

class RequestReader {
 public:
  /// The next field. What is over a limit is dropped, and finish() says so.
  void take(std::string_view name, std::string_view value, const HeadLimits& limits, http::RequestHead& into);

  struct Finished {
    /// What is wrong, to be answered.
    std::optional<http::Fault> fault;
    /// The request contradicts itself: nobody may be asked with it.
    bool malformed = false;
    http1::Framing framing;
  };
  /// All fields are in. `ends`: the stream ends with them, so there is no body.
  [[nodiscard]] Finished finish(http::RequestHead& into, EndsHere ends);

  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::string_view protocol() const { return protocol_; }

 private:
  void take_pseudo(std::string_view name, std::string_view value, const HeadLimits& limits, http::Fields& arena);
  void join_cookies(http::Fields& fields);
  [[nodiscard]] http::Parsed<> make_head(http::RequestHead& into) const;
  [[nodiscard]] Finished finish_extended(http::RequestHead& into) const;

  http::RequestTarget target_;
  std::string_view protocol_;
  std::vector<std::string_view> cookies_;
  std::size_t bytes_ = 0;
  std::size_t start_bytes_ = 0;
  std::uint32_t count_ = 0;
  std::optional<http::Fault> fault_;
};

/// The trailer field `name` may stand in `into`; false when a limit is passed, and nothing was added.
[[nodiscard]] bool take_trailer(std::string_view name, std::string_view value, std::uint32_t most_bytes,
                                std::uint32_t most_fields, http::Fields& into);

}  // namespace sluice::http2
