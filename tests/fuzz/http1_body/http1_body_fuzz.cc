// Bodies: the first byte chooses framing and limits, the second how the rest is cut. Whole and cut give the same
// outcome, body and trailers; and a chunked body written by us from what was decoded decodes to the same again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "base/check.h"
#include "proto/http/ascii.h"
#include "proto/http1/body_decoder.h"
#include "proto/http1/writer.h"

namespace {
using namespace sluice;
using http::Parsed;
using http1::BodyDecoder;
using http1::Framing;

struct Outcome {
  std::string body;
  std::size_t consumed = 0;
  bool broken = false;
  http::Fault fault{};
};

Outcome decode(BodyDecoder& decoder, std::string_view bytes, std::size_t piece_size) {
  Outcome outcome;
  while (!bytes.empty() && !decoder.done()) {
    const std::string piece(
        bytes.substr(0, piece_size));  // an allocation of its own, so that ASan sees a read beyond it
    const Parsed<BodyDecoder::Step> step = decoder.decode(piece);
    if (!step) return {.broken = true, .fault = step.error()};
    SLUICE_CHECK(step->consumed > 0 && step->consumed <= piece.size(), "no progress, or too much");
    SLUICE_CHECK(
        step->data.empty() || (step->data.data() >= piece.data() && step->data.end() <= piece.data() + piece.size()),
        "data is not a part of the input");
    SLUICE_CHECK(step->done == decoder.done(), "done is not done");
    outcome.body += step->data;
    outcome.consumed += step->consumed;
    bytes.remove_prefix(step->consumed);
  }
  SLUICE_CHECK(decoder.total() == outcome.body.size(), "bytes were not counted");
  if (const Parsed<> finished = decoder.finish(); !finished) return {.broken = true, .fault = finished.error()};
  return outcome;
}

void write_and_decode_again(const Outcome& decoded, const http::Fields& trailers) {
  Buffer out;
  for (std::string_view rest = decoded.body; !rest.empty();) {
    const std::string_view piece = rest.substr(0, 7);
    http1::write_chunk(out, piece);
    rest.remove_prefix(piece.size());
  }
  http1::write_last_chunk(out, trailers);
  BodyDecoder decoder(Framing::chunked());
  const Outcome again = decode(decoder, out.view(), out.size());
  SLUICE_CHECK(!again.broken && again.body == decoded.body, "what we write is not what we read");
  SLUICE_CHECK(decoder.trailers().size() == trailers.size(), "a trailer was lost");
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Framing framings[] = {Framing::chunked(), Framing::chunked(), Framing::of_length(data[0] / 4),
                              Framing::until_close()};
  const Framing& framing = framings[data[0] % 4];
  http1::BodyLimits limits{.chunk_extensions = 40, .trailers = 200, .trailer_fields = 5};
  if ((data[0] & 4) != 0) limits.body = 20;

  BodyDecoder whole(framing, limits);
  BodyDecoder cut(framing, limits);
  const Outcome at_once = decode(whole, bytes, std::max<std::size_t>(bytes.size(), 1));
  const Outcome in_pieces = decode(cut, bytes, std::size_t{data[1]} % 16 + 1);
  SLUICE_CHECK(at_once.broken == in_pieces.broken && at_once.fault == in_pieces.fault,
               "the outcome depends on the cut");
  SLUICE_CHECK(at_once.body == in_pieces.body && at_once.consumed == in_pieces.consumed, "the body depends on the cut");
  if (at_once.broken) return 0;
  SLUICE_CHECK(at_once.body.size() <= limits.body, "a body beyond its limit");
  for (const http::Field field : whole.trailers())
    SLUICE_CHECK(http::is_token(field.name) && http::is_field_value(field.value), "an accepted trailer is malformed");
  write_and_decode_again(at_once, whole.trailers());
  return 0;
}
