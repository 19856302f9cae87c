// The rules of semantics.h.
#include "proto/http/semantics.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "base/check.h"
#include "proto/http/ascii.h"

namespace sluice::http {
namespace {
// Fields that no Connection option may take away.
constexpr std::array kProtected = {
    FieldId::kAuthorization,
    FieldId::kCacheControl,
    FieldId::kContentEncoding,
    FieldId::kContentLength,
    FieldId::kContentRange,
    FieldId::kContentType,
    FieldId::kCookie,
    FieldId::kDate,
    FieldId::kExpect,
    FieldId::kForwarded,
    FieldId::kHost,
    FieldId::kLocation,
    FieldId::kMaxForwards,
    FieldId::kOrigin,
    FieldId::kProxyStatus,
    FieldId::kRange,
    FieldId::kReferer,
    FieldId::kSetCookie,
    FieldId::kUserAgent,
    FieldId::kVia,
    FieldId::kWwwAuthenticate,
    FieldId::kXForwardedFor,
    FieldId::kXForwardedHost,
    FieldId::kXForwardedPort,
    FieldId::kXForwardedPrefix,
    FieldId::kXForwardedProto,
    FieldId::kXRealIp,
    FieldId::kXRequestId,
};
// RFC 9110 section 6.5.1: what frames, routes, authenticates, or says how the body is to be read, cannot come after the
// body.
constexpr std::array kNotInTrailers = {
    FieldId::kAuthorization,
    FieldId::kCacheControl,
    FieldId::kConnection,
    FieldId::kContentEncoding,
    FieldId::kContentLength,
    FieldId::kContentRange,
    FieldId::kContentType,
    FieldId::kCookie,
    FieldId::kExpect,
    FieldId::kForwarded,
    FieldId::kHost,
    FieldId::kHttp2Settings,
    FieldId::kKeepAlive,
    FieldId::kLocation,
    FieldId::kMaxForwards,
    FieldId::kProxyAuthenticate,
    FieldId::kProxyConnection,
    FieldId::kProxyAuthorization,
    FieldId::kRange,
    FieldId::kSetCookie,
    FieldId::kTe,
    FieldId::kTrailer,
    FieldId::kTransferEncoding,
    FieldId::kUpgrade,
    FieldId::kVia,
    FieldId::kWwwAuthenticate,
    FieldId::kXForwardedFor,
    FieldId::kXForwardedHost,
    FieldId::kXForwardedPort,
    FieldId::kXForwardedPrefix,
    FieldId::kXForwardedProto,
    FieldId::kXRealIp,
};
constexpr std::array kThisHopOnly = {
    FieldId::kConnection, FieldId::kKeepAlive,        FieldId::kProxyConnection, FieldId::kTe,
    FieldId::kUpgrade,    FieldId::kTransferEncoding, FieldId::kHttp2Settings,
};

bool is_protected(FieldId id, std::string_view name) {
  if (id != FieldId::kOther) return std::ranges::find(kProtected, id) != kProtected.end();
  constexpr std::string_view kForwarded = "x-forwarded-";
  return equal_ignore_case(name.substr(0, kForwarded.size()), kForwarded);
}

// The first two words of a Via member: "1.1 proxy:8080 (comment)".
std::string_view received_by(std::string_view member) {
  const std::size_t space = member.find_first_of(" \t");
  if (space == std::string_view::npos) return {};
  const std::string_view rest = trim(member.substr(space));
  return rest.substr(0, rest.find_first_of(" \t("));
}
}  // namespace

ConnectionFacts read_connection(const Fields& fields, Version version) {
  ConnectionFacts facts;
  for (const std::string_view option : fields.members(FieldId::kConnection)) {
    if (equal_ignore_case(option, "close")) facts.close = true;
    if (equal_ignore_case(option, "keep-alive")) facts.keep_alive = true;
    if (equal_ignore_case(option, "upgrade")) facts.upgrade = true;
  }
  if (version == Version::kHttp10 || !fields.has(FieldId::kUpgrade)) facts.upgrade = false;
  for (const std::string_view coding : fields.members(FieldId::kTe))
    facts.trailers |= equal_ignore_case(coding, "trailers");
  return facts;
}

bool persists(const ConnectionFacts& facts, Version version) {
  if (facts.close) return false;
  return version == Version::kHttp10 ? facts.keep_alive : true;
}

Parsed<> remove_hop_by_hop(Fields& fields, Direction direction, const ConnectionFacts& facts) {
  for (const std::string_view option : fields.members(FieldId::kConnection))
    if (is_protected(field_id(option), option)) return fault(Fault::kProtectedNomination);
  // Removing only marks lines, so the options may be walked meanwhile; Connection itself goes afterwards.
  for (const std::string_view option : fields.members(FieldId::kConnection)) {
    const FieldId id = field_id(option);
    if (id != FieldId::kConnection) fields.remove(option);
  }
  for (const FieldId id : kThisHopOnly) fields.remove(id);
  if (direction == Direction::kRequest) {
    fields.remove(FieldId::kProxyAuthorization);
    if (facts.trailers) {
      fields.add(FieldId::kTe, "trailers");
      fields.add(FieldId::kConnection, "TE");
    }
  } else {
    fields.remove(FieldId::kProxyAuthenticate);
    fields.remove(FieldId::kProxyAuthenticationInfo);
  }
  return {};
}

bool may_be_trailer(FieldId id) {
  return std::ranges::find(kNotInTrailers, id) == kNotInTrailers.end();
}

void drop_unfit_trailers(Fields& fields) {
  for (const FieldId id : kNotInTrailers) fields.remove(id);
}

Parsed<> check_via(const Fields& fields, std::string_view pseudonym) {
  for (const std::string_view member : fields.members(FieldId::kVia))
    if (equal_ignore_case(received_by(member), pseudonym)) return fault(Fault::kForwardingLoop);
  return {};
}

void append_via(Fields& fields, Version received, std::string_view pseudonym) {
  // a line of its own is the same list (RFC 9110 section 5.3) and leaves what others wrote untouched
  const std::string_view version = name(received).substr(std::string_view("HTTP/").size());
  std::array<char, 280> line{};
  SLUICE_CHECK(version.size() + 1 + pseudonym.size() <= line.size(), "a pseudonym longer than a host name");
  char* at = std::ranges::copy(version, line.begin()).out;
  *at++ = ' ';
  at = std::ranges::copy(pseudonym, at).out;
  fields.add(FieldId::kVia, {line.data(), static_cast<std::size_t>(at - line.data())});
}

Parsed<Forwarding> spend_max_forwards(RequestHead& head) {
  if (head.method() != Method::kOptions && head.method() != Method::kTrace) return Forwarding::kForward;
  const std::optional<std::string_view> value = head.fields().find(FieldId::kMaxForwards);
  if (!value) return Forwarding::kForward;
  std::uint32_t left = 0;
  const auto parsed = std::from_chars(value->data(), value->data() + value->size(), left);
  if (value->empty() || parsed.ec != std::errc() || parsed.ptr != value->data() + value->size() ||
      head.fields().count(FieldId::kMaxForwards) > 1)
    return fault(Fault::kBadMaxForwards);
  if (left == 0) return Forwarding::kAnswerHere;
  std::array<char, 10> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), left - 1).ptr;
  head.fields().set(FieldId::kMaxForwards, {digits.data(), static_cast<std::size_t>(end - digits.data())});
  return Forwarding::kForward;
}

Parsed<bool> expects_continue(const RequestHead& head) {
  if (head.version() == Version::kHttp10) return false;
  bool expects = false;
  for (const std::string_view expectation : head.fields().members(FieldId::kExpect)) {
    if (!equal_ignore_case(expectation, "100-continue")) return fault(Fault::kBadExpectation);
    expects = true;
  }
  return expects;
}

bool forbids_transform(const Fields& fields) {
  return fields.has_token(FieldId::kCacheControl, "no-transform");
}

}  // namespace sluice::http
