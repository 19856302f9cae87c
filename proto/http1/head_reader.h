// Our own reading of a complete head, to the letter of RFC 9112 and without any of its tolerances.
//
// Bytes in, a filled-in head out; the bytes live in the arena of the head's Fields and the head's views point into
// them. Also reads the trailer section of a chunked body, which has the grammar of a head's fields.
#pragma once
#include <cstdint>
#include <string_view>

#include "proto/http/fault.h"
#include "proto/http/head.h"

namespace sluice::http1 {

/// `bytes`: a request head from its first byte to its final empty line, in the arena of into.fields().
[[nodiscard]] http::Parsed<> read_request(std::string_view bytes, http::RequestHead& into);
[[nodiscard]] http::Parsed<> read_response(std::string_view bytes, http::ResponseHead& into);
/// `lines`: field lines, each with its CRLF, without the final empty line. Errors: kObsFold, kSpaceBeforeColon,
/// kBadFieldName; the caller has looked for control bytes.
[[nodiscard]] http::Parsed<> read_fields(std::string_view lines, http::Fields& into);
/// Errors: kBareCr, kBareLf, kControlByte. `bytes` must end in a line feed.
[[nodiscard]] http::Parsed<> check_bytes(std::string_view bytes);

}  // namespace sluice::http1
