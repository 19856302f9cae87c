// BodyDecoder: the body of one message out of the bytes of a connection, RFC 9112 sections 6 and 7.
//
// Each decode() gives at most one span of body, a view into the bytes that came in: nothing is copied. The chunked
// coding is read by a state machine of our own, to the letter: CRLF and nothing else ends a line, no white space around
// a chunk size, sizes below 2^63, extensions that are well formed and bounded, trailers that are bounded and read like
// the fields of a head. Extensions are dropped (RFC 9112 section 7.1.1 lets a recipient, and they mean nothing beyond
// one hop). Trailer fields that would change framing, routing, authentication or what the body is are dropped too (RFC
// 9110 section 6.5.1).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proto/http/fault.h"
#include "proto/http/fields.h"
#include "proto/http1/framing.h"

namespace sluice::http1 {

struct BodyLimits {
  std::uint64_t body = UINT64_MAX;        ///< bytes of body
  std::uint32_t chunk_extensions = 4096;  ///< bytes of extensions, over all chunks of the body
  std::uint32_t trailers = 8192;          ///< bytes of the trailer section
  std::uint32_t trailer_fields = 32;
};

class BodyDecoder {
 public:
  struct Step {
    std::size_t consumed = 0;  ///< bytes of the input that are done with
    std::string_view data;     ///< body, a part of those bytes
    bool done = false;         ///< the body is complete; what is left of the input is not part of it
  };

  /// Nothing to decode until start().
  BodyDecoder() = default;
  explicit BodyDecoder(const Framing& framing, const BodyLimits& limits = {}) { start(framing, limits); }

  /// Begins the body of another message, keeping storage. Errors of a length beyond the limit come from decode().
  void start(const Framing& framing, const BodyLimits& limits = {});

  /// Takes bytes until a second span of body would begin, to the end of the body or to the end of the input: the bytes
  /// of framing behind the span are consumed with it, so a body of one chunk is one step. Errors: kBodyTooLarge and the
  /// faults of chunks and trailers; after one the connection cannot be parsed any further.
  [[nodiscard]] http::Parsed<Step> decode(std::string_view in);

  /// The connection has ended. Errors: kBodyCutShort, unless the body was complete or lasted until the close.
  [[nodiscard]] http::Parsed<> finish();

  [[nodiscard]] bool done() const { return state_ == State::kDone; }
  /// Body bytes seen.
  [[nodiscard]] std::uint64_t total() const { return total_; }

  /// Body bytes that are known to come next, without any framing between them: the rest of the length, or of the
  /// current chunk; UINT64_MAX until the close. So many may be moved without decode(), by splice(2) for one; say so
  /// with passed().
  [[nodiscard]] std::uint64_t remaining() const;
  /// `count` bytes of remaining() went by another way. Errors: kBodyTooLarge.
  [[nodiscard]] http::Parsed<> passed(std::uint64_t count);

  /// The trailer fields, when done; null when the body ended without any that may be kept.
  [[nodiscard]] const http::Fields* trailers_or_null() const {
    return trailers_ != nullptr && !trailers_->empty() ? trailers_.get() : nullptr;
  }
  /// The trailer fields to change, made when there were none.
  [[nodiscard]] http::Fields& trailers();

 private:
  enum class State : std::uint8_t {
    kLength,
    kUntilClose,
    kChunkSize,      // first digit
    kChunkSizeMore,  // digits, ';' or CR
    kExtension,      // after ';', until CR
    kChunkLf,        // LF after size or extensions
    kChunkData,
    kChunkCr,   // CR after the data
    kChunkEnd,  // LF after the data
    kTrailers,
    kDone,
    kBroken,
  };

  [[nodiscard]] std::unexpected<http::Fault> broken(http::Fault why);
  [[nodiscard]] http::Parsed<std::size_t> take_data(std::size_t available);
  [[nodiscard]] http::Parsed<std::size_t> take_framing(std::string_view in);
  [[nodiscard]] http::Parsed<> size_digit(char c);
  [[nodiscard]] http::Parsed<> extension_byte(char c);
  [[nodiscard]] http::Parsed<> framing_byte(char c);
  [[nodiscard]] http::Parsed<std::size_t> take_trailers(std::string_view in);
  [[nodiscard]] http::Parsed<> read_trailers();

  State state_ = State::kDone;
  http::Fault why_broken_ = http::Fault::kBodyCutShort;
  bool extension_quoted_ = false;
  bool extension_escaped_ = false;
  std::uint64_t left_ = 0;  // of the length or the chunk
  std::uint64_t total_ = 0;
  std::uint32_t extension_bytes_ = 0;
  BodyLimits limits_;
  std::string trailer_bytes_;
  std::unique_ptr<http::Fields> trailers_;  // made when there are some: most bodies have none and Fields is large
};

}  // namespace sluice::http1
