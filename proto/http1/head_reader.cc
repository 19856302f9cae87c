// The strict reader. check_bytes() is written so that the compiler makes vector code of it: it is the only pass that
// looks at every byte.
#include "proto/http1/head_reader.h"

#include "proto/http/ascii.h"
#include "proto/http/field_id.h"

namespace sluice::http1 {
namespace {
using http::Fault;
using http::fault;
using http::Parsed;

// Only asked when something is wrong: what, exactly?
Fault find_bad_byte(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c == '\n' && (i == 0 || bytes[i - 1] != '\r')) return Fault::kBareLf;
    if (c == '\r' && (i + 1 == bytes.size() || bytes[i + 1] != '\n')) return Fault::kBareCr;
    if (c != '\r' && c != '\n' && http::is_forbidden_control(c)) return Fault::kControlByte;
  }
  return Fault::kControlByte;
}

// The line without its CRLF; the caller knows that there is one.
std::string_view cut_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end - 1);
  rest.remove_prefix(end + 1);
  return line;
}

Parsed<http::Version> read_version(std::string_view text) {
  if (text == "HTTP/1.1") return http::Version::kHttp11;
  if (text == "HTTP/1.0") return http::Version::kHttp10;
  // 505 is for what is plainly another version (HTTP/2.0, HTTP/3); anything else is no start line at all
  const bool is_version = text.starts_with("HTTP/") && text.size() > 5 && http::is_digit(text[5]) &&
                          (text.size() == 6 || (text.size() == 8 && text[6] == '.' && http::is_digit(text[7])));
  return fault(is_version ? Fault::kBadVersion : Fault::kBadStartLine);
}

Parsed<> read_request_line(std::string_view line, http::RequestHead& into) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || first == 0) return fault(Fault::kBadStartLine);
  const Parsed<http::Version> version = read_version(line.substr(last + 1));
  if (!version) return fault(version.error());
  return into.start(line.substr(0, first), line.substr(first + 1, last - first - 1), *version);
}

Parsed<> read_status_line(std::string_view line, http::ResponseHead& into) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return fault(Fault::kBadStartLine);
  const Parsed<http::Version> version = read_version(line.substr(0, space));
  if (!version) return fault(version.error());
  const std::string_view rest = line.substr(space + 1);
  if (rest.size() < 3) return fault(Fault::kBadStatus);
  std::uint16_t status = 0;
  for (const char c : rest.substr(0, 3)) {
    if (!http::is_digit(c)) return fault(Fault::kBadStatus);
    status = static_cast<std::uint16_t>(status * 10 + (c - '0'));
  }
  // The space before an empty reason is often left out; nothing can be read into it.
  if (rest.size() > 3 && rest[3] != ' ') return fault(Fault::kBadStatus);
  return into.start(status, http::trim(rest.substr(rest.size() > 3 ? 4 : 3)), *version);
}

template <class Head>
Parsed<> read_head(std::string_view bytes, Parsed<> (*read_start)(std::string_view, Head&), Head& into) {
  if (Parsed<> checked = check_bytes(bytes); !checked) return checked;
  bytes.remove_suffix(2);  // the empty line
  if (bytes.empty()) return fault(Fault::kBadStartLine);
  if (Parsed<> started = read_start(cut_line(bytes), into); !started) return started;
  return read_fields(bytes, into.fields());
}
}  // namespace

Parsed<> check_bytes(std::string_view bytes) {
  // Every CR is followed by an LF and every LF preceded by a CR exactly when "byte i is CR" equals "byte i + 1 is LF"
  // everywhere.
  bool bad = bytes.empty() || bytes.front() == '\n' || bytes.back() != '\n';
  const char* at = bytes.data();
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(at[i]);
    const bool cr = byte == '\r';
    bad |= cr != (at[i + 1] == '\n');
    bad |= (byte < 0x20) & !cr & (byte != '\n') & (byte != '\t');
    bad |= byte == 0x7f;
  }
  if (bad) return fault(find_bad_byte(bytes));
  return {};
}

Parsed<> read_fields(std::string_view lines, http::Fields& into) {
  while (!lines.empty()) {
    const std::string_view line = cut_line(lines);
    std::size_t colon = 0;
    while (colon < line.size() && http::is_token_byte(line[colon])) ++colon;
    if (colon == line.size() || line[colon] != ':' || colon == 0) {
      if (colon == 0 && !line.empty() && http::is_blank(line.front())) return fault(Fault::kObsFold);
      if (colon != 0 && colon < line.size() && http::is_blank(line[colon])) return fault(Fault::kSpaceBeforeColon);
      return fault(Fault::kBadFieldName);
    }
    const std::string_view name = line.substr(0, colon);
    into.add_checked(name, http::trim(line.substr(colon + 1)), http::field_id(name));
  }
  return {};
}

Parsed<> read_request(std::string_view bytes, http::RequestHead& into) {
  return read_head(bytes, &read_request_line, into);
}

Parsed<> read_response(std::string_view bytes, http::ResponseHead& into) {
  return read_head(bytes, &read_status_line, into);
}

}  // namespace sluice::http1
