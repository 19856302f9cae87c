// The state machine of the chunked coding, and the two framings that need none.
#include "proto/http1/body_decoder.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "proto/http/ascii.h"
#include "proto/http/semantics.h"
#include "proto/http1/head_reader.h"

namespace sluice::http1 {
namespace {
using http::Fault;
using http::fault;
using http::FieldId;
using http::Parsed;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
}  // namespace

void BodyDecoder::start(const Framing& framing, const BodyLimits& limits) {
  limits_ = limits;
  left_ = total_ = 0;
  extension_bytes_ = 0;
  extension_quoted_ = extension_escaped_ = false;
  trailer_bytes_.clear();
  if (trailers_ != nullptr) trailers_->clear();
  switch (framing.kind) {
    case Framing::Kind::kNone:
      state_ = State::kDone;
      break;
    case Framing::Kind::kLength:
      left_ = framing.length;
      state_ = left_ == 0 ? State::kDone : State::kLength;
      break;
    case Framing::Kind::kChunked:
      state_ = State::kChunkSize;
      break;
    case Framing::Kind::kUntilClose:
      state_ = State::kUntilClose;
      break;
  }
}

std::unexpected<Fault> BodyDecoder::broken(Fault why) {
  state_ = State::kBroken;
  why_broken_ = why;
  return fault(why);
}

Parsed<BodyDecoder::Step> BodyDecoder::decode(std::string_view in) {
  Step step;
  while (state_ != State::kDone && step.consumed < in.size()) {
    const std::string_view rest = in.substr(step.consumed);
    if (state_ == State::kBroken) return fault(why_broken_);
    if (remaining() == 0) {
      const Parsed<std::size_t> taken = take_framing(rest);
      if (!taken) return broken(taken.error());
      step.consumed += *taken;
      continue;
    }
    if (!step.data.empty()) return step;
    const Parsed<std::size_t> taken = take_data(rest.size());
    if (!taken) return fault(taken.error());
    step.data = rest.substr(0, *taken);
    step.consumed += *taken;
  }
  step.done = state_ == State::kDone;
  return step;
}

Parsed<std::size_t> BodyDecoder::take_data(std::size_t available) {
  // known to be too long: no byte of it is passed on
  if (state_ == State::kLength && left_ > limits_.body - std::min(limits_.body, total_))
    return broken(Fault::kBodyTooLarge);
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(available, remaining()));
  if (const Parsed<> fine = passed(size); !fine) return fault(fine.error());
  return size;
}

Parsed<std::size_t> BodyDecoder::take_framing(std::string_view in) {
  if (state_ == State::kTrailers) return take_trailers(in);
  if (const Parsed<> fine = framing_byte(in.front()); !fine) return fault(fine.error());
  return std::size_t{1};
}

std::uint64_t BodyDecoder::remaining() const {
  switch (state_) {
    case State::kLength:
    case State::kChunkData:
      return left_;
    case State::kUntilClose:
      return UINT64_MAX;
    default:
      return 0;
  }
}

Parsed<> BodyDecoder::passed(std::uint64_t count) {
  SLUICE_CHECK(count <= remaining(), "more body went by than there is");
  if (count > limits_.body - std::min(limits_.body, total_)) return broken(Fault::kBodyTooLarge);
  total_ += count;
  if (state_ == State::kUntilClose) return {};
  left_ -= count;
  if (left_ == 0) state_ = state_ == State::kLength ? State::kDone : State::kChunkCr;
  return {};
}

Parsed<> BodyDecoder::framing_byte(char c) {
  switch (state_) {
    case State::kChunkSize:
      if (hex_value(c) < 0) return fault(Fault::kBadChunkSize);
      left_ = 0;
      state_ = State::kChunkSizeMore;
      return size_digit(c);
    case State::kChunkSizeMore:
      return size_digit(c);
    case State::kExtension:
      return extension_byte(c);
    case State::kChunkLf:
      if (c != '\n') return fault(Fault::kBareCr);
      if (left_ > limits_.body - std::min(limits_.body, total_)) return fault(Fault::kBodyTooLarge);
      state_ = left_ == 0 ? State::kTrailers : State::kChunkData;
      return {};
    case State::kChunkCr:
      if (c != '\r') return fault(Fault::kBadChunkEnd);
      state_ = State::kChunkEnd;
      return {};
    case State::kChunkEnd:
      if (c != '\n') return fault(Fault::kBadChunkEnd);
      state_ = State::kChunkSize;
      return {};
    default:
      SLUICE_CHECK(false, "not a state of chunk framing");
  }
}

Parsed<> BodyDecoder::size_digit(char c) {
  if (c == '\r') {
    state_ = State::kChunkLf;
    return {};
  }
  if (c == ';') {
    state_ = State::kExtension;
    return ++extension_bytes_ > limits_.chunk_extensions ? Parsed<>(fault(Fault::kChunkExtensionsTooLong)) : Parsed<>();
  }
  const int digit = hex_value(c);
  if (digit < 0) return fault(c == '\n' ? Fault::kBareLf : Fault::kBadChunkSize);
  if (left_ >> 59 != 0) return fault(Fault::kChunkTooLarge);  // stays below 2^63
  left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
  return {};
}

// chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ), RFC 9112 section 7.1.1. Held to its
// bytes, not to its grammar: it is dropped, what counts is that everybody finds the same end of the line. White space
// is refused where it could be taken for part of the size by not being let in before the first ";".
Parsed<> BodyDecoder::extension_byte(char c) {
  if (++extension_bytes_ > limits_.chunk_extensions) return fault(Fault::kChunkExtensionsTooLong);
  if (c == '\n') return fault(Fault::kBareLf);
  if (c == '\r') {
    if (extension_quoted_) return fault(Fault::kBadChunkExtension);
    state_ = State::kChunkLf;
    return {};
  }
  if (http::is_forbidden_control(c)) return fault(Fault::kBadChunkExtension);
  if (extension_escaped_) {
    extension_escaped_ = false;
  } else if (extension_quoted_) {
    extension_escaped_ = c == '\\';
    if (c == '"') extension_quoted_ = false;
  } else if (c == '"') {
    extension_quoted_ = true;
  } else if (!http::is_token_byte(c) && !http::is_blank(c) && c != '=' && c != ';') {
    return fault(Fault::kBadChunkExtension);
  }
  return {};
}

// Gathers the section up to its final empty line; it is rare and small, so it is copied.
Parsed<std::size_t> BodyDecoder::take_trailers(std::string_view in) {
  std::size_t taken = 0;
  while (taken < in.size()) {
    const std::size_t end = in.find('\n', taken);
    const std::size_t stop = end == std::string_view::npos ? in.size() : end + 1;
    if (trailer_bytes_.size() + (stop - taken) > limits_.trailers) return fault(Fault::kTrailersTooLarge);
    trailer_bytes_.append(in.substr(taken, stop - taken));
    taken = stop;
    if (end == std::string_view::npos) break;
    if (!trailer_bytes_.ends_with("\r\n")) return fault(Fault::kBareLf);
    if (trailer_bytes_ != "\r\n" && !trailer_bytes_.ends_with("\r\n\r\n")) continue;
    if (const Parsed<> read = read_trailers(); !read) return fault(read.error());
    state_ = State::kDone;
    break;
  }
  return taken;
}

Parsed<> BodyDecoder::read_trailers() {
  if (trailer_bytes_.size() == 2) return {};
  if (Parsed<> checked = check_bytes(trailer_bytes_); !checked) return checked;
  http::Fields& fields = trailers();
  std::string_view lines = fields.keep(trailer_bytes_);
  lines.remove_suffix(2);
  if (!read_fields(lines, fields)) return fault(Fault::kBadTrailer);
  if (fields.size() > limits_.trailer_fields) return fault(Fault::kTrailersTooLarge);
  http::drop_unfit_trailers(fields);
  return {};
}

http::Fields& BodyDecoder::trailers() {
  if (trailers_ == nullptr) trailers_ = std::make_unique<http::Fields>();
  return *trailers_;
}

Parsed<> BodyDecoder::finish() {
  if (state_ == State::kUntilClose) state_ = State::kDone;
  if (state_ == State::kDone) return {};
  if (state_ == State::kBroken) return fault(why_broken_);
  return broken(Fault::kBodyCutShort);
}

}  // namespace sluice::http1
