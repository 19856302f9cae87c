// See structured.h.
#include "proto/http/structured.h"

#include <algorithm>

#include "proto/http/ascii.h"

namespace sluice::http {
namespace {
bool is_alpha(char c) {
  return to_lower(c) >= 'a' && to_lower(c) <= 'z';
}
bool is_sf_token(std::string_view text) {
  if (text.empty() || !(is_alpha(text.front()) || text.front() == '*')) return false;
  return std::ranges::all_of(text, [](char c) { return is_token_byte(c) || c == ':' || c == '/'; });
}
}  // namespace

void append_sf_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const bool printable = c >= ' ' && c <= '~';
    if (c == '"' || c == '\\') out += '\\';
    out += printable ? c : '?';
  }
  out += '"';
}

void append_sf_name(std::string& out, std::string_view text) {
  if (is_sf_token(text)) {
    out += text;
  } else {
    append_sf_string(out, text);
  }
}

}  // namespace sluice::http
