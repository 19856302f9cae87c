// See request_reader.h.
#include "proto/http2/request_reader.h"

#include <cstring>

#include "proto/http/ascii.h"
#include "proto/http/semantics.h"

namespace sluice::http2 {
namespace {
using http::Fault;
using http::FieldId;

constexpr std::size_t kLineExtra = 4;  // ": " and CRLF, were it HTTP/1: limits are the same for both

}  // namespace

void RequestReader::take(std::string_view name, std::string_view value, const HeadLimits& limits,
                         http::RequestHead& into) {
  bytes_ += name.size() + value.size() + kLineExtra;
  if (fault_) return;
  if (bytes_ > limits.head) {
    fault_ = Fault::kHeadTooLarge;
    return;
  }
  http::Fields& fields = into.fields();
  if (name.starts_with(':')) {
    take_pseudo(name, value, limits, fields);
    return;
  }
  if (++count_ > limits.fields) {
    fault_ = Fault::kTooManyFields;
    return;
  }
  if (name == "cookie") {
    cookies_.push_back(fields.keep(value));
    return;
  }
  if (!fields.add(name, value)) fault_ = Fault::kBadFieldName;
}

void RequestReader::take_pseudo(std::string_view name, std::string_view value, const HeadLimits& limits,
                                http::Fields& arena) {
  start_bytes_ += value.size();
  if (start_bytes_ > limits.start_line) {
    fault_ = Fault::kStartLineTooLong;
    return;
  }
  const std::string_view kept = arena.keep(value);
  if (name == ":method") {
    target_.method = kept;
  } else if (name == ":scheme") {
    target_.scheme = kept;
  } else if (name == ":authority") {
    target_.authority = kept;
  } else if (name == ":path") {
    target_.path = kept;
  } else if (name == ":protocol") {
    protocol_ = kept;
  }
}

void RequestReader::join_cookies(http::Fields& fields) {
  if (cookies_.empty()) return;
  if (cookies_.size() == 1) {
    fields.add_checked(http::field_name(FieldId::kCookie), cookies_.front(), FieldId::kCookie);
    return;
  }
  constexpr std::string_view kBetween = "; ";
  std::size_t size = (cookies_.size() - 1) * kBetween.size();
  for (const std::string_view crumb : cookies_) size += crumb.size();
  const std::span<char> joined = fields.allocate(size);
  char* at = joined.data();
  for (const std::string_view crumb : cookies_) {
    if (at != joined.data()) {
      std::memcpy(at, kBetween.data(), kBetween.size());
      at += kBetween.size();
    }
    if (!crumb.empty()) std::memcpy(at, crumb.data(), crumb.size());
    at += crumb.size();
  }
  fields.add_checked(http::field_name(FieldId::kCookie), {joined.data(), joined.size()}, FieldId::kCookie);
}

http::Parsed<> RequestReader::make_head(http::RequestHead& into) const {
  if (fault_) {
    // what the answer and the log say of it: whatever is sound
    const auto named = into.start(target_, http::Version::kHttp2);
    static_cast<void>(named);
    return http::fault(*fault_);
  }
  if (auto started = into.start(target_, http::Version::kHttp2); !started) return started;
  return into.settle_host();
}

RequestReader::Finished RequestReader::finish(http::RequestHead& into, EndsHere ends) {
  Finished finished;
  http::Fields& fields = into.fields();
  join_cookies(fields);
  if (!protocol_.empty()) target_.method = "GET";  // RFC 8441: a CONNECT that says where it wants to go
  if (const http::Parsed<> made = make_head(into); !made) {
    finished.fault = made.error();
    finished.malformed = made.error() == Fault::kBadFieldName || made.error() == Fault::kHostDiffers;
    return finished;
  }
  if (!protocol_.empty()) return finish_extended(into);
  // the length is needed for the other side's framing only: nghttp2 holds the stream's DATA to it
  const http::Parsed<http1::Framing> declared = http1::request_framing(into);
  if (!declared) {
    finished.fault = declared.error();
    return finished;
  }
  finished.framing = *declared;
  if (into.method() == http::Method::kConnect) return finished;
  const bool told = declared->kind == http1::Framing::Kind::kLength;
  if (ends == EndsHere::kNo && !told) finished.framing = http1::Framing::chunked();
  // a server of HTTP/1 may ask for a length where content is usual (RFC 9110 section 8.6)
  const bool usual = into.method() == http::Method::kPost || into.method() == http::Method::kPut ||
                     into.method() == http::Method::kPatch;
  if (ends == EndsHere::kYes && !told && usual) finished.framing = http1::Framing::of_length(0);
  return finished;
}

// What follows belongs to the tunnel, so a body cannot be announced.
RequestReader::Finished RequestReader::finish_extended(http::RequestHead& into) const {
  Finished finished;
  http::Fields& fields = into.fields();
  if (fields.has(FieldId::kContentLength)) finished.fault = Fault::kConnectWithBody;
  if (!http::is_token(protocol_)) {
    finished.fault = Fault::kBadUpgrade;
    return finished;
  }
  fields.add(FieldId::kConnection, "upgrade");
  fields.add(FieldId::kUpgrade, protocol_);
  return finished;
}

bool take_trailer(std::string_view name, std::string_view value, std::uint32_t most_bytes, std::uint32_t most_fields,
                  http::Fields& into) {
  if (!http::may_be_trailer(http::field_id(name))) return true;
  if (into.size() >= most_fields || into.wire_size() + name.size() + value.size() + kLineExtra > most_bytes)
    return false;
  return into.add(name, value).has_value();
}

}  // namespace sluice::http2
