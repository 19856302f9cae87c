// See direction.h.
#include "worker/tunnel/direction.h"

#include <fcntl.h>

#include <algorithm>

#include "worker/flow/io.h"

namespace sluice::worker {
namespace {
// A block that comes back full this often in a row means bulk: then a pipe is worth its two descriptors.
constexpr unsigned kFullReads = 4;
constexpr std::size_t kSpliceMost = std::size_t{1} << 20;
constexpr int kPipeSize =
    1 << 18;  // half of what a user may ask for by default (pipe-max-size), and splice gains nothing beyond
}  // namespace

void Direction::moved(std::size_t bytes) {
  count_.add(bytes);
  last_byte_ = loop_.now();
}

bool Direction::worth_splicing() const {
  return full_reads_ >= kFullReads && !splice_failed_ && from_.plain_socket() >= 0 && to_.plain_socket() >= 0;
}

Task<Result<>> Direction::run() {
  while (!ended_) {
    Result<> done = co_await copy();
    if (!done) co_return done;
    if (ended_) break;
    done = co_await splice();
    if (!done) co_return done;
  }
  to_.shutdown_write();
  co_return Result<>();
}

// Returns at the end of the stream or when splicing looks better.
Task<Result<>> Direction::copy() {
  for (;;) {
    if (!block_.empty()) co_await loop_.write_turn();
    while (!block_.empty()) {
      Gather bytes(block_.view());
      const Result<bool> all = write_now(to_, bytes, to_side_);
      if (!all) co_return fail(all.error());
      const std::size_t left = bytes.size();
      moved(block_.size() - left);
      block_.consume(block_.size() - left);
      if (left != 0) {
        const Wake wake = co_await to_.writable().wait(loop_, Deadline::never());
        static_cast<void>(wake);  // the watchdog of relay() has the timeouts
      }
    }
    if (worth_splicing()) co_return Result<>();
    from_.confirm();
    if (!from_.readable().is_set()) block_.release();  // an idle tunnel holds nothing
    const Wake wake = co_await from_.readable().wait(loop_, Deadline::never());
    static_cast<void>(wake);
    const Result<std::optional<std::size_t>> got = read_now(from_, block_, from_side_);
    if (!got) co_return fail(got.error());
    if (!got->has_value()) continue;
    if (**got == 0) {
      ended_ = true;
      block_.release();
      co_return Result<>();
    }
    full_reads_ = **got >= Buffer::kBlock / 2 ? full_reads_ + 1 : 0;
  }
}

Task<Result<>> Direction::drain_pipe() {
  while (piped_ > 0) {
    const sys::Io out = sys::splice(pipe_.read_end.get(), to_.plain_socket(), piped_, SPLICE_F_MOVE);
    if (out.failed()) co_return fail(Error::from_errno(out.error, "splice").from(to_side_));
    if (out.again()) {
      to_.writable().clear();
      const Wake wake = co_await to_.writable().wait(loop_, Deadline::never());
      static_cast<void>(wake);
      continue;
    }
    piped_ -= out.bytes;
    moved(out.bytes);
  }
  co_return Result<>();
}

// Nothing else holds bytes: a direction waits with bytes either in its block or in its pipe.
Result<> Direction::halt() {
  while (piped_ > 0) {
    const std::span<char> space = block_.space(piped_);
    const sys::Io got = sys::read(pipe_.read_end.get(), space.first(std::min(piped_, space.size())));
    if (!got.done() || got.bytes == 0) return fail(Code::kInternal, "a pipe holds less than was put into it");
    block_.commit(got.bytes);
    piped_ -= got.bytes;
  }
  return {};
}

// Socket to pipe to socket. The pipe is always emptied before more is taken, so EAGAIN on the way in means an empty
// socket.
Task<Result<>> Direction::splice() {
  if (!spliced()) {
    Result<sys::Pipe> pipe = sys::pipe();
    if (!pipe) {  // out of descriptors: copying still works
      splice_failed_ = true;
      co_return Result<>();
    }
    pipe_ = std::move(*pipe);
    ::fcntl(pipe_.write_end.get(), F_SETPIPE_SZ, kPipeSize);
  }
  block_.release();
  for (;;) {
    const Wake wake = co_await from_.readable().wait(loop_, Deadline::never());
    static_cast<void>(wake);
    const sys::Io in = sys::splice(from_.plain_socket(), pipe_.write_end.get(), kSpliceMost, SPLICE_F_MOVE);
    if (in.failed()) co_return fail(Error::from_errno(in.error, "splice").from(from_side_));
    if (in.again()) {
      from_.readable().clear();
      continue;
    }
    if (in.bytes == 0) {
      ended_ = true;
      co_return Result<>();
    }
    piped_ = in.bytes;
    Result<> drained = co_await drain_pipe();
    if (!drained) co_return drained;
  }
}

}  // namespace sluice::worker
