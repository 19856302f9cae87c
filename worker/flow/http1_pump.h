// Http1Pump: writes a body, framed for HTTP/1, behind a head that is already laid out: what responses to clients and
// requests to origins have in common. One piece is in flight at a time; head and first piece leave in one system call
// when the piece is there.
#pragma once
#include "base/buffer.h"
#include "base/loop.h"
#include "proto/http1/framing.h"
#include "worker/flow/body.h"
#include "worker/flow/io.h"

namespace sluice::worker {

class Http1Pump {
 public:
  /// `pace` is how fast the peer must take bytes; `peer` is whom errors of writing are blamed on.
  Http1Pump(Loop& loop, ByteStream& stream, const Pace& pace, Side peer)
      : loop_(loop), stream_(stream), patience_(pace), peer_(peer) {}

  /// Where the head is laid out before run().
  [[nodiscard]] Buffer& out() { return out_; }
  /// Writes what is in out(), as far as the peer takes it at once: true when all has left. The usual case needs no
  /// coroutine of its own.
  [[nodiscard]] Result<bool> flush_now();
  /// Writes what is in out().
  Task<Result<>> flush();
  /// Writes what is in out() and the body behind it. Errors of the body keep their side.
  Task<Result<>> run(BodySource& body, const http1::Framing& framing);
  /// Bytes that have left.
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  /// Something stopped in the middle of a write: what the peer has is no message, and nothing may follow it.
  [[nodiscard]] bool torn() const { return torn_; }

 private:
  [[nodiscard]] Result<bool> write_now(Gather& bytes);
  Task<Result<>> write_rest(Gather& bytes);
  /// Lays chunk framing around the piece; `bytes` then holds everything in order.
  void gather(const Piece& piece, const http1::Framing& framing, const http::Fields* trailers, Gather& bytes);

  Loop& loop_;
  ByteStream& stream_;
  Buffer out_;
  Buffer end_;  // a last chunk with trailers
  Patience patience_;
  Side peer_;
  std::uint64_t sent_ = 0;
  bool torn_ = false;
};

}  // namespace sluice::worker
