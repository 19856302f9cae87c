// Buffer: a contiguous run of bytes with a read end and a write end, the unit of the data path.
//
// Storage comes in 32 KiB blocks from a per-thread pool (last in, first out, so a busy worker keeps reusing the block
// that is hot in its cache) and only a buffer that must hold more allocates by itself. A default-constructed or
// released buffer has no storage at all: an idle connection costs no block. Buffers are resources: they neither copy
// nor move.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sluice {

class Buffer {
 public:
  static constexpr std::size_t kBlock = std::size_t{32} * 1024;

  Buffer() = default;
  Buffer(Buffer&&) = delete;
  ~Buffer() { release(); }

  /// Bytes written and not yet consumed.
  [[nodiscard]] std::string_view view() const { return {data_ + begin_, end_ - begin_}; }
  /// The same bytes, to be rewritten in place.
  [[nodiscard]] std::span<char> bytes() { return {data_ + begin_, end_ - begin_}; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] bool has_storage() const { return data_ != nullptr; }

  /// Free space behind the bytes, at least `wanted` bytes of it: takes a block, moves what is there to the front or
  /// grows, whatever is cheapest. Pointers into the buffer are invalid afterwards.
  [[nodiscard]] std::span<char> space(std::size_t wanted);
  /// Free space as it is, without moving anything; empty without storage.
  [[nodiscard]] std::span<char> tail() { return {data_ + end_, capacity_ - end_}; }
  /// `count` bytes of the space have been written.
  void commit(std::size_t count) { end_ += count; }
  /// `count` bytes from the front are done with.
  void consume(std::size_t count) {
    begin_ += count;
    if (begin_ == end_) begin_ = end_ = 0;
  }
  void append(std::string_view bytes);
  void clear() { begin_ = end_ = 0; }
  /// Gives the storage back; the bytes are gone.
  void release();

  /// Blocks of this thread in use, a larger buffer counting as several, for the memory limit and the metrics.
  [[nodiscard]] static std::size_t blocks_in_use();
  /// Gives the blocks that this thread keeps for later back to malloc: for who will not need them again.
  static void give_back();

 private:
  char* data_ = nullptr;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace sluice
