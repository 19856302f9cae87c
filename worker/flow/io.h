// Waiting reads and writes on a ByteStream: the two loops that every protocol needs, once.
#pragma once
#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "base/buffer.h"
#include "base/result.h"
#include "base/task.h"
#include "worker/flow/patience.h"
#include "worker/flow/stream.h"

namespace sluice::worker {

/// Up to four runs of bytes to be written in order; shrinks as they leave.
class Gather {
 public:
  Gather() = default;
  explicit Gather(std::string_view bytes) { add(bytes); }
  void add(std::string_view bytes);
  /// Drops `count` bytes from the front.
  void consume(std::size_t count);
  [[nodiscard]] bool empty() const { return first_ == count_; }
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::span<const iovec> vectors() const { return std::span(pieces_).subspan(first_, count_ - first_); }

 private:
  std::array<iovec, 4> pieces_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

/// One attempt to write, without waiting: true when all has left. Errors: kReset and others of the system, Side as
/// given.
[[nodiscard]] Result<bool> write_now(ByteStream& stream, Gather& bytes, Side side);

/// Writes the rest, waiting as long as there is patience. Errors: also kTimeout.
Task<Result<>> write_rest(Loop& loop, ByteStream& stream, Gather& bytes, Patience& patience, Side side);

/// Reads at least one byte behind what the buffer holds; waits until the deadline. 0 means the end of the stream.
/// Errors: kTimeout, kReset and others of the system.
Task<Result<std::size_t>> read_some(Loop& loop, ByteStream& stream, Buffer& into, Deadline deadline, Side side);

/// One read without waiting. nullopt: nothing there. 0: end of the stream.
[[nodiscard]] Result<std::optional<std::size_t>> read_now(ByteStream& stream, Buffer& into, Side side);

/// Closing after an answer while the client may still be sending (RFC 9112 section 9.6): says that no more comes, reads
/// and drops a bounded number of bytes and then leaves the rest to the kernel until a bounded time is over, so that the
/// answer is not lost to a reset. Ends early when the client closes.
Task<> lingering_close(Loop& loop, ByteStream& stream);

}  // namespace sluice::worker
