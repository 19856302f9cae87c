// See json_text.h. UTF-8 is checked by the table of well-formed sequences (Unicode 15, table 3-7).
#include "base/json_text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace sluice {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

unsigned byte_at(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

// The length of the well-formed sequence at `at` that starts with a byte >= 0x80; 0 when there is none.
std::size_t sequence(std::string_view text, std::size_t at) {
  const unsigned first = byte_at(text, at);
  unsigned low = 0x80;
  unsigned high = 0xbf;
  std::size_t length = 0;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    if (first == 0xe0) low = 0xa0;   // no overlong forms
    if (first == 0xed) high = 0x9f;  // no surrogates
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;  // nothing above U+10FFFF
  } else {
    return 0;
  }
  const unsigned second = byte_at(text, at + 1);
  if (second < low || second > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if ((byte_at(text, at + i) & 0xc0U) != 0x80) return 0;
  return length;
}

void append_escape(std::string& out, unsigned code) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u00";
  out += kHex[code >> 4U];
  out += kHex[code & 0xfU];
}

// One byte below 0x80.
void append_ascii(std::string& out, unsigned code) {
  switch (code) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      if (code < 0x20 || code == 0x7f)
        append_escape(out, code);
      else
        out += static_cast<char>(code);
  }
}

// A table, because nearly all bytes of nearly all texts are plain and every access-log line comes through here.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (std::size_t code = 0x20; code < 0x7f; ++code) plain.at(code) = code != '"' && code != '\\';
  return plain;
}();

std::size_t plain_run(std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* at = text.data();
  while (at != end && kPlain[static_cast<unsigned char>(*at)]) ++at;
  return static_cast<std::size_t>(at - text.data());
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = at + plain_run(text.substr(at));
    out.append(text.substr(at, end - at));
    if (end == text.size()) break;
    at = end;
    const unsigned first = byte_at(text, at);
    if (first < 0x80) {
      append_ascii(out, first);
      ++at;
    } else if (const std::size_t length = sequence(text, at); length == 0) {
      out += kReplacement;
      ++at;
    } else {
      if (first == 0xc2 && byte_at(text, at + 1) < 0xa0)
        append_escape(out, byte_at(text, at + 1));  // C1: a terminal may obey it
      else
        out.append(text.substr(at, length));
      at += length;
    }
  }
  out += '"';
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = byte_at(text, at) < 0x80 ? 1 : sequence(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

void JsonLine::begin(std::string_view key) {
  if (text_.size() > 1) text_ += ',';
  append_json_string(text_, key);
  text_ += ':';
}

JsonLine& JsonLine::add(std::string_view key, std::string_view value) {
  begin(key);
  append_json_string(text_, value);
  return *this;
}

JsonLine& JsonLine::add(std::string_view key, double value) {
  if (!std::isfinite(value)) return add_raw(key, "null");
  begin(key);
  fmt::format_to(std::back_inserter(text_), "{:.3f}", value);
  return *this;
}

JsonLine& JsonLine::add_raw(std::string_view key, std::string_view json) {
  begin(key);
  text_ += json;
  return *this;
}

JsonLine& JsonLine::add_signed(std::string_view key, std::int64_t value) {
  const fmt::format_int text(value);
  return add_raw(key, {text.data(), text.size()});
}

JsonLine& JsonLine::add_unsigned(std::string_view key, std::uint64_t value) {
  const fmt::format_int text(value);
  return add_raw(key, {text.data(), text.size()});
}

std::string JsonLine::take() && {
  text_ += '}';
  return std::move(text_);
}

}  // namespace sluice
