// The pool behind Buffer: a free list per thread. Blocks beyond kKeep go back to malloc, so that a burst does not pin
// memory for ever.
#include "base/buffer.h"

#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "base/check.h"

namespace sluice {
namespace {
constexpr std::size_t kKeep = 64;  // 2 MiB of idle blocks per worker

struct Pool {
  std::vector<char*> free;
  std::size_t in_use = 0;
  ~Pool() {
    for (char* block : free) std::free(block);
  }
};
thread_local Pool pool;

char* checked(void* memory) {
  SLUICE_CHECK(memory != nullptr, "out of memory");
  return static_cast<char*>(memory);
}

char* take_block() {
  ++pool.in_use;
  if (pool.free.empty()) return checked(std::malloc(Buffer::kBlock));
  char* block = pool.free.back();
  pool.free.pop_back();
  return block;
}

void give_block(char* block) {
  --pool.in_use;
  if (pool.free.size() < kKeep) {
    pool.free.push_back(block);
  } else {
    std::free(block);
  }
}

void give(char* data, std::size_t capacity) {
  if (data == nullptr) return;
  if (capacity == Buffer::kBlock) {
    give_block(data);
  } else {
    pool.in_use -= capacity / Buffer::kBlock;
    std::free(data);
  }
}
}  // namespace

std::span<char> Buffer::space(std::size_t wanted) {
  if (capacity_ - end_ >= wanted && data_ != nullptr) return tail();
  const std::size_t held = size();
  if (data_ != nullptr && capacity_ - held >= wanted) {
    std::memmove(data_, data_ + begin_, held);
  } else {
    const std::size_t needed = held + wanted;
    std::size_t capacity = kBlock;
    while (capacity < needed) capacity *= 2;
    char* grown = capacity == kBlock ? take_block() : checked(std::malloc(capacity));
    if (capacity != kBlock) pool.in_use += capacity / kBlock;
    if (held != 0) std::memcpy(grown, data_ + begin_, held);
    give(data_, capacity_);
    data_ = grown;
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = held;
  return tail();
}

void Buffer::append(std::string_view bytes) {
  if (bytes.empty()) return;
  const std::span<char> to = space(bytes.size());
  std::memcpy(to.data(), bytes.data(), bytes.size());
  commit(bytes.size());
}

void Buffer::release() {
  give(data_, capacity_);
  data_ = nullptr;
  begin_ = end_ = capacity_ = 0;
}

std::size_t Buffer::blocks_in_use() {
  return pool.in_use;
}

void Buffer::give_back() {
  for (char* block : std::exchange(pool.free, {})) std::free(block);
}

}  // namespace sluice
