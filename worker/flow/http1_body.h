// Http1Body: the body of an HTTP/1 message as a BodySource. The bytes stay in the connection's buffer; chunked pieces
// are moved together in place, so that many small chunks leave in one write.
#pragma once
#include "base/buffer.h"
#include "base/loop.h"
#include "proto/http1/body_decoder.h"
#include "worker/flow/body.h"
#include "worker/flow/patience.h"
#include "worker/flow/stream.h"

namespace sluice::worker {

class Http1Body final : public BodySource {
 public:
  /// Nothing to give until start(). `buffer` is the connection's read buffer; `side` is who sends.
  Http1Body(Loop& loop, ByteStream& stream, Buffer& buffer, Side side)
      : loop_(loop), stream_(stream), buffer_(buffer), side_(side) {}

  /// Begins a body; `pace` is how fast it must arrive.
  void start(const http1::Framing& framing, const http1::BodyLimits& limits, const Pace& pace);

  Task<Result<Piece>> next() override;
  [[nodiscard]] std::optional<Piece> ready() override;
  [[nodiscard]] std::optional<std::uint64_t> length() const override;
  [[nodiscard]] const http::Fields* trailers() const override;
  [[nodiscard]] std::uint64_t passed() const override { return decoder_.total(); }

  /// The whole body has been taken off the connection: what is in the buffer now is the next message.
  [[nodiscard]] bool complete() const { return decoder_.done(); }
  /// Not all of it was in the buffer already: the connection has been read for it.
  [[nodiscard]] bool has_read() const { return has_read_; }
  [[nodiscard]] bool until_close() const { return framing_.kind == http1::Framing::Kind::kUntilClose; }
  /// Gives the bytes of the last piece back. Called by next(); the owner calls it before it parses what follows.
  void release_piece();

 private:
  [[nodiscard]] std::optional<Piece> decode();
  void end_of_stream();

  Loop& loop_;
  ByteStream& stream_;
  Buffer& buffer_;
  Side side_;
  http1::Framing framing_;
  http1::BodyDecoder decoder_;
  Patience patience_;
  bool has_read_ = false;
  std::size_t held_ = 0;  // bytes at the front of the buffer that the last piece stands in
  std::optional<Error> error_;
};

}  // namespace sluice::worker
