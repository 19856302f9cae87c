// The two bare items of Structured Fields (RFC 9651) that we write: strings and tokens. Writing only, into a
// std::string: what is written this way is made for errors, not for every message.
#pragma once
#include <string>
#include <string_view>

namespace sluice::http {

/// Appends a String (RFC 9651 section 3.3.3): quoted, with backslashes where they are needed. What no String can hold,
/// everything but printable ASCII, becomes "?": the text is for people.
void append_sf_string(std::string& out, std::string_view text);
/// Appends a Token (section 3.3.4) when the text is one, otherwise a String. A token of HTTP is not always one: "1st".
void append_sf_name(std::string& out, std::string_view text);

}  // namespace sluice::http
