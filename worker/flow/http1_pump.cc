// See http1_pump.h.
#include "worker/flow/http1_pump.h"

#include "proto/http1/writer.h"

namespace sluice::worker {
namespace {
constexpr std::string_view kLastChunk = "0\r\n\r\n";
constexpr std::string_view kSuffixAndLastChunk = "\r\n0\r\n\r\n";
}  // namespace

Task<Result<>> Http1Pump::write(Gather& bytes) {
  const std::size_t size = bytes.size();
  Result<> done = co_await write_rest(loop_, stream_, bytes, progress_, peer_);
  sent_ += size - bytes.size();
  out_.clear();
  co_return done;
}

Task<Result<>> Http1Pump::flush() {
  Gather bytes(out_.view());
  Result<> done = co_await write(bytes);
  co_return done;
}

void Http1Pump::gather(const Piece& piece, const http1::Framing& framing, const http::Fields* trailers, Gather& bytes) {
  if (framing.kind != http1::Framing::Kind::kChunked) {
    bytes.add(out_.view());
    bytes.add(piece.bytes);
    return;
  }
  if (!piece.bytes.empty()) http1::write_chunk_prefix(out_, piece.bytes.size());
  bytes.add(out_.view());
  bytes.add(piece.bytes);
  if (piece.last && trailers != nullptr && !trailers->empty()) {
    if (!piece.bytes.empty()) end_.append(http1::kChunkSuffix);
    http1::write_last_chunk(end_, *trailers);
    bytes.add(end_.view());
  } else if (piece.last) {
    bytes.add(piece.bytes.empty() ? kLastChunk : kSuffixAndLastChunk);
  } else if (!piece.bytes.empty()) {
    bytes.add(http1::kChunkSuffix);
  }
}

Task<Result<>> Http1Pump::run(BodySource& body, const http1::Framing& framing) {
  for (;;) {
    std::optional<Piece> piece = body.ready();
    if (!piece) {
      if (!out_.empty()) {  // nothing to wait with: the head goes now (the peer may have to say 100 before the body
                            // comes)
        Result<> flushed = co_await flush();
        if (!flushed) co_return flushed;
      }
      const Result<Piece> waited = co_await body.next();
      if (!waited) co_return fail(waited.error());
      piece = *waited;
    }
    Gather bytes;
    gather(*piece, framing, piece->last ? body.trailers() : nullptr, bytes);
    Result<> done = co_await write(bytes);
    if (!done || piece->last) co_return done;
  }
}

}  // namespace sluice::worker
