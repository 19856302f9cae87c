// See io.h.
#include "worker/flow/io.h"

#include "base/check.h"

namespace sluice::worker {
namespace {
constexpr std::size_t kReadSpace = 4096;  // the least worth a read: more is offered when the block has it
constexpr Millis kLingerTime(2000);
constexpr std::size_t kLingerBytes = std::size_t{1} << 20;

Error error_of(const ByteStream& stream, const sys::Io& io, std::string_view call, Side side) {
  return stream.why(io, call).from(side);
}
}  // namespace

void Gather::add(std::string_view bytes) {
  if (bytes.empty()) return;
  SLUICE_CHECK(count_ < pieces_.size(), "too many pieces for one write");
  pieces_[count_++] = {.iov_base = const_cast<char*>(bytes.data()), .iov_len = bytes.size()};  // only read from
}

void Gather::consume(std::size_t count) {
  while (count > 0) {
    iovec& front = pieces_[first_];
    if (count < front.iov_len) {
      front.iov_base = static_cast<char*>(front.iov_base) + count;
      front.iov_len -= count;
      return;
    }
    count -= front.iov_len;
    ++first_;
  }
}

std::size_t Gather::size() const {
  std::size_t total = 0;
  for (const iovec& piece : vectors()) total += piece.iov_len;
  return total;
}

Result<bool> write_now(ByteStream& stream, Gather& bytes, Side side) {
  while (!bytes.empty()) {
    if (!stream.writable().is_set()) return false;
    const sys::Io io = stream.write(bytes.vectors());
    if (io.again()) return false;
    if (io.failed()) return fail(error_of(stream, io, "write", side));
    bytes.consume(io.bytes);
  }
  return true;
}

Task<Result<>> write_rest(Loop& loop, ByteStream& stream, Gather& bytes, Patience& patience, Side side) {
  for (;;) {
    const std::size_t before = bytes.size();
    const Result<bool> all = write_now(stream, bytes, side);
    patience.waited(Nanos(0), before - bytes.size());
    if (!all) co_return fail(all.error());
    if (*all) co_return Result<>();
    const Nanos since = loop.now();
    const Wake wake = co_await stream.writable().wait(loop, patience.deadline(since));
    if (wake == Wake::kTimeout) co_return fail(Error(Code::kTimeout, "the peer takes too few bytes").from(side));
    patience.waited(loop.now() - since, 0);
  }
}

Result<std::optional<std::size_t>> read_now(ByteStream& stream, Buffer& into, Side side) {
  if (!stream.readable().is_set()) return std::nullopt;
  const sys::Io io = stream.read(into.space(kReadSpace));
  if (io.again()) return std::nullopt;
  if (io.failed()) return fail(error_of(stream, io, "read", side));
  into.commit(io.bytes);
  return io.bytes;
}

Task<Result<std::size_t>> read_some(Loop& loop, ByteStream& stream, Buffer& into, Deadline deadline, Side side) {
  for (;;) {
    const Wake wake = co_await stream.readable().wait(loop, deadline);
    if (wake == Wake::kTimeout) co_return fail(Error(Code::kTimeout, "nothing arrived in time").from(side));
    const Result<std::optional<std::size_t>> got = read_now(stream, into, side);
    if (!got) co_return fail(got.error());
    if (got->has_value()) co_return **got;
  }
}

Task<> lingering_close(Loop& loop, ByteStream& stream) {
  stream.shutdown_write();
  const Deadline deadline = loop.in(kLingerTime);
  std::size_t dropped = 0;
  Buffer scrap;
  while (dropped < kLingerBytes) {
    const Result<std::size_t> got = co_await read_some(loop, stream, scrap, deadline, Side::kClient);
    if (!got || *got == 0) co_return;
    dropped += *got;
    scrap.release();
  }
  // who still sends is held up by the kernel now, and may read; the end of its direction shows without reading
  while (!stream.peer_closed()) {
    stream.readable().clear();
    const Wake wake = co_await stream.readable().wait(loop, deadline);
    if (wake == Wake::kTimeout) co_return;
  }
}

}  // namespace sluice::worker
