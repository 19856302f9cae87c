// See http1_pump.h.
#include "worker/flow/http1_pump.h"

#include "proto/http1/writer.h"

namespace sluice::worker {
namespace {
constexpr std::string_view kLastChunk = "0\r\n\r\n";
constexpr std::size_t kWorthCopying = 512;
constexpr std::string_view kSuffixAndLastChunk = "\r\n0\r\n\r\n";
}  // namespace

Result<bool> Http1Pump::write_now(Gather& bytes) {
  const std::size_t size = bytes.size();
  Result<bool> all = worker::write_now(stream_, bytes, peer_);
  sent_ += size - bytes.size();
  if (!all || *all) out_.clear();
  return all;
}

Task<Result<>> Http1Pump::write_rest(Gather& bytes) {
  const std::size_t size = bytes.size();
  torn_ = true;  // until it has all left: a wait may fail or be cancelled
  Result<> done = co_await worker::write_rest(loop_, stream_, bytes, patience_, peer_);
  torn_ = !done;
  sent_ += size - bytes.size();
  out_.clear();
  co_return done;
}

Result<bool> Http1Pump::flush_now() {
  Gather bytes(out_.view());
  Result<bool> all = write_now(bytes);
  if (all && !*all) out_.consume(out_.size() - bytes.size());
  return all;
}

Task<Result<>> Http1Pump::flush() {
  co_await loop_.write_turn();
  const Result<bool> all = flush_now();
  if (!all) co_return fail(all.error());
  if (*all) co_return Result<>();
  Gather bytes(out_.view());
  Result<> done = co_await write_rest(bytes);
  co_return done;
}

void Http1Pump::gather(const Piece& piece, const http1::Framing& framing, const http::Fields* trailers, Gather& bytes) {
  if (framing.kind != http1::Framing::Kind::kChunked) {
    // copying a little is cheaper than the vector that spares it
    const bool small = piece.bytes.size() <= kWorthCopying;
    if (small) out_.append(piece.bytes);
    bytes.add(out_.view());
    if (!small) bytes.add(piece.bytes);
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
    co_await loop_.write_turn();
    const Result<bool> all = write_now(bytes);
    if (!all) co_return fail(all.error());
    if (!*all) {
      Result<> rest = co_await write_rest(bytes);
      if (!rest) co_return rest;
    }
    if (piece->last) co_return Result<>();
  }
}

}  // namespace sluice::worker
