// The rules of framing.h, in the order of RFC 9112 section 6.3.
#include "proto/http1/framing.h"

#include <array>
#include <charconv>
#include <optional>

#include "proto/http/ascii.h"

namespace sluice::http1 {
namespace {
using http::Fault;
using http::fault;
using http::FieldId;
using http::Parsed;

// Transfer-Encoding must be one line, and the line exactly "chunked".
Parsed<> check_coding(const http::Fields& fields, http::Version version) {
  if (version == http::Version::kHttp10) return fault(Fault::kCodingInHttp10);
  const std::string_view value = *fields.find(FieldId::kTransferEncoding);
  if (fields.count(FieldId::kTransferEncoding) == 1 && http::equal_ignore_case(value, "chunked")) return {};
  // 501 only for what we can name: a list of tokens with a coding that we do not have, and chunked once and last
  // (RFC 9112 section 6.1). All else is an attempt to be read in two ways.
  bool others = false;
  std::size_t chunked = 0;
  bool last_chunked = false;
  for (const std::string_view coding : fields.members(FieldId::kTransferEncoding)) {
    last_chunked = http::equal_ignore_case(coding, "chunked");
    chunked += last_chunked ? 1 : 0;
    if (last_chunked) continue;
    if (!http::is_token(coding.substr(0, coding.find_first_of("; \t")))) return fault(Fault::kCodingNotChunked);
    others = true;
  }
  return fault(others && (chunked == 0 || (chunked == 1 && last_chunked)) ? Fault::kUnknownCoding
                                                                          : Fault::kCodingNotChunked);
}

Parsed<std::optional<std::uint64_t>> declared_length(const http::Fields& fields) {
  const std::optional<std::string_view> value = fields.find(FieldId::kContentLength);
  if (!value) return std::nullopt;
  if (fields.count(FieldId::kContentLength) > 1) return fault(Fault::kRepeatedContentLength);
  if (value->find(',') != std::string_view::npos) return fault(Fault::kRepeatedContentLength);
  const Parsed<std::uint64_t> length = parse_content_length(*value);
  if (!length) return fault(length.error());
  return *length;
}

// What the two framing fields say; nullopt when there is neither.
Parsed<std::optional<Framing>> declared(const http::Fields& fields, http::Version version) {
  if (fields.has(FieldId::kTransferEncoding)) {
    if (fields.has(FieldId::kContentLength)) return fault(Fault::kLengthAndCoding);
    if (const Parsed<> checked = check_coding(fields, version); !checked) return fault(checked.error());
    return Framing::chunked();
  }
  const Parsed<std::optional<std::uint64_t>> length = declared_length(fields);
  if (!length) return fault(length.error());
  if (!*length) return std::nullopt;
  return Framing::of_length(**length);
}
}  // namespace

Parsed<std::uint64_t> parse_content_length(std::string_view value) {
  if (value.empty()) return fault(Fault::kBadContentLength);
  std::uint64_t length = 0;
  for (const char c : value) {
    if (!http::is_digit(c)) return fault(Fault::kBadContentLength);
    // 63 bits: no reader behind us that counts in signed numbers sees anything else
    if (length > (static_cast<std::uint64_t>(INT64_MAX) - 9) / 10) return fault(Fault::kBadContentLength);
    length = length * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return length;
}

Parsed<Framing> request_framing(const http::RequestHead& head) {
  const Parsed<std::optional<Framing>> found = declared(head.fields(), head.version());
  if (!found) return fault(found.error());
  // RFC 9110 section 9.3.6: content in a CONNECT request means nothing, and the first byte after the head is the
  // tunnel's. A CONNECT that announces a body is refused when there would be one: an origin or a proxy before us may
  // have skipped it.
  if (head.method() == http::Method::kConnect) {
    if (*found && !(*found)->empty()) return fault(Fault::kConnectWithBody);
    return Framing::none();
  }
  return found->value_or(Framing::none());
}

Parsed<Framing> response_framing(const http::ResponseHead& head, http::Method asked) {
  if (asked == http::Method::kHead || http::has_no_body(head.status())) return Framing::none();
  if (asked == http::Method::kConnect && http::is_successful(head.status())) return Framing::none();
  const Parsed<std::optional<Framing>> found = declared(head.fields(), head.version());
  if (!found) return fault(found.error());
  return found->value_or(Framing::until_close());
}

void declare_framing(http::Fields& fields, const Framing& framing) {
  switch (framing.kind) {
    case Framing::Kind::kNone:
      fields.remove(FieldId::kTransferEncoding);
      return;
    case Framing::Kind::kUntilClose:
      fields.remove(FieldId::kTransferEncoding);
      fields.remove(FieldId::kContentLength);
      return;
    case Framing::Kind::kChunked:
      fields.remove(FieldId::kContentLength);
      fields.set(FieldId::kTransferEncoding, "chunked");
      return;
    case Framing::Kind::kLength:
      break;
  }
  fields.remove(FieldId::kTransferEncoding);
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), framing.length).ptr;
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  if (fields.count(FieldId::kContentLength) == 1 && fields.find(FieldId::kContentLength) == text) return;
  fields.set(FieldId::kContentLength, text);
}

void declare_framing(http::ResponseHead& head, http::Method asked, const Framing& framing) {
  declare_framing(head.fields(), framing);
  if (framing.kind != Framing::Kind::kNone || asked == http::Method::kHead || head.status() == 304) return;
  head.fields().remove(FieldId::kContentLength);
}

}  // namespace sluice::http1
