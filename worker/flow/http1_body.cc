// See http1_body.h.
#include "worker/flow/http1_body.h"

#include <cstring>

#include "worker/flow/io.h"

namespace sluice::worker {

void Http1Body::start(const http1::Framing& framing, const http1::BodyLimits& limits, const Pace& pace) {
  framing_ = framing;
  decoder_.start(framing, limits);
  patience_ = Patience(pace);
  held_ = 0;
  error_.reset();
}

void Http1Body::release_piece() {
  if (held_ != 0) buffer_.consume(held_);
  held_ = 0;
}

// Decodes what is buffered. The data of several chunks is moved to the front of the first one's, which only ever moves
// bytes down over framing that has been read.
std::optional<Piece> Http1Body::decode() {
  release_piece();
  const std::span<char> bytes = buffer_.bytes();
  std::string_view in(bytes.data(), bytes.size());
  char* first = nullptr;
  std::size_t size = 0;
  while (!decoder_.done()) {
    const auto step = decoder_.decode(in);
    if (!step) {
      error_ = http::as_error(step.error(), side_);
      return std::nullopt;
    }
    if (!step->data.empty()) {
      if (first == nullptr) {
        first = bytes.data() + (step->data.data() - bytes.data());
      } else {
        std::memmove(first + size, step->data.data(), step->data.size());
      }
      size += step->data.size();
    }
    in.remove_prefix(step->consumed);
    held_ += step->consumed;
    if (in.empty()) break;
  }
  if (size == 0 && !decoder_.done()) {
    release_piece();
    return std::nullopt;
  }
  return Piece{.bytes = {first, size}, .last = decoder_.done()};
}

std::optional<Piece> Http1Body::ready() {
  if (error_) return std::nullopt;
  return decode();
}

void Http1Body::end_of_stream() {
  if (const auto end = decoder_.finish(); !end) error_ = http::as_error(end.error(), side_);
}

Task<Result<Piece>> Http1Body::next() {
  for (;;) {
    const std::optional<Piece> piece = ready();
    if (piece) co_return *piece;
    if (error_) co_return fail(*error_);
    stream_.confirm();
    has_read_ = true;
    const Nanos since = loop_.now();
    const Result<std::size_t> got = co_await read_some(loop_, stream_, buffer_, patience_.deadline(since), side_);
    if (!got) co_return fail(got.error());
    patience_.waited(loop_.now() - since, *got);
    if (*got == 0) {
      end_of_stream();
      if (error_) co_return fail(*error_);
      co_return Piece{.bytes = {}, .last = true};
    }
  }
}

std::optional<std::uint64_t> Http1Body::length() const {
  return framing_.known_length();
}

const http::Fields* Http1Body::trailers() const {
  return decoder_.done() ? decoder_.trailers_or_null() : nullptr;
}

}  // namespace sluice::worker
