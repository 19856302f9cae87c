// Direction: one half of a tunnel, from one stream to the other, as a coroutine. See relay.h for the idea.
#pragma once
#include "base/buffer.h"
#include "base/loop.h"
#include "base/result.h"
#include "base/sys.h"
#include "ipc/connection_table.h"
#include "worker/flow/client_side.h"

namespace sluice::worker {

/// Bytes that a direction has moved, also in the client connection's row, where a long tunnel shows them while it
/// lives.
class ByteCount {
 public:
  enum class Shown : std::uint8_t { kIn, kOut };
  /// Lifetime: the row outlives it.
  /// `total`: moved already, shown already.
  ByteCount(ipc::ConnectionSlot& row, Shown as, std::uint64_t total) : row_(row), total_(total), as_(as) {}
  void add(std::uint64_t bytes) {
    total_ += bytes;
    if (as_ == Shown::kIn) {
      row_.add_in(bytes);
    } else {
      row_.add_out(bytes);
    }
  }
  [[nodiscard]] std::uint64_t total() const { return total_; }

 private:
  ipc::ConnectionSlot& row_;
  std::uint64_t total_;
  Shown as_;
};

class Direction {
 public:
  /// `early` holds bytes of `from` that have been read already, and takes those that halt() finds. `from_side` and
  /// `to_side` are blamed for their errors. `count` and `last_byte` are kept up to date.
  Direction(Loop& loop, ByteStream& from, Side from_side, ByteStream& to, Side to_side, Buffer& early, ByteCount& count,
            Nanos& last_byte)
      : loop_(loop),
        from_(from),
        to_(to),
        from_side_(from_side),
        to_side_(to_side),
        block_(early),
        count_(count),
        last_byte_(last_byte) {}

  /// Ends when `from` has ended and everything has been written, FIN included. Errors: kReset and others of the system.
  Task<Result<>> run();
  /// After run() was cancelled: all that was read and not yet written is in `early` now, and run() can begin again,
  /// here or anywhere else. Errors: kTooLarge or what the system says; bytes would be lost.
  [[nodiscard]] Result<> halt();
  /// It had ended before.
  void already_ended() { ended_ = true; }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool spliced() const { return pipe_.read_end.get() >= 0; }

 private:
  Task<Result<>> copy();
  Task<Result<>> splice();
  Task<Result<>> drain_pipe();
  void moved(std::size_t bytes);
  [[nodiscard]] bool worth_splicing() const;

  Loop& loop_;
  ByteStream& from_;
  ByteStream& to_;
  Side from_side_;
  Side to_side_;
  Buffer& block_;
  ByteCount& count_;
  Nanos& last_byte_;
  sys::Pipe pipe_;
  std::size_t piped_ = 0;  // bytes in it
  unsigned full_reads_ = 0;
  bool splice_failed_ = false;
  bool ended_ = false;
};

}  // namespace sluice::worker
