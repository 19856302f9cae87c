// See event_memory.h. A range of addresses whose pages come as they are touched: who lies in it is one of ours.
#include "base/event_memory.h"

#include <event2/event.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

#include "base/sanitizer.h"

namespace sluice {
namespace {

constexpr std::size_t kRecord = 32;
constexpr std::size_t kRecords = std::size_t{1} << 20;  // as many as there may be descriptors

union Record {
  Record* next;
  char bytes[kRecord];
};

// One for the process, as libevent's functions are; loops of several threads (tests have them) share it.
class Place {
 public:
  explicit Place(void* memory) : begin_(static_cast<Record*>(memory)), fresh_(begin_), end_(begin_ + kRecords) {}

  [[nodiscard]] bool has(const void* record) const {
    const auto at = reinterpret_cast<std::uintptr_t>(record);
    return at >= reinterpret_cast<std::uintptr_t>(begin_) && at < reinterpret_cast<std::uintptr_t>(end_);
  }
  [[nodiscard]] void* take() {
    const std::scoped_lock lock(mutex_);
    if (free_ != nullptr) return std::exchange(free_, free_->next);
    return fresh_ != end_ ? fresh_++ : nullptr;
  }
  void give(void* record) {
    const std::scoped_lock lock(mutex_);
    free_ = ::new (record) Record{.next = free_};
  }

 private:
  std::mutex mutex_;
  Record* const begin_;
  Record* fresh_;
  Record* const end_;
  Record* free_ = nullptr;
};

Place* place = nullptr;

void* allocate(std::size_t size) {
  void* const record = size <= kRecord ? place->take() : nullptr;
  return record != nullptr ? record : std::malloc(size);
}

void release(void* memory) {
  if (place->has(memory)) {
    place->give(memory);
  } else {
    std::free(memory);
  }
}

void* change(void* memory, std::size_t size) {
  if (memory == nullptr) return allocate(size);
  if (!place->has(memory)) return std::realloc(memory, size);
  if (size <= kRecord) return memory;
  void* const larger = std::malloc(size);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, memory, kRecord);
  place->give(memory);
  return larger;
}

bool prepare() {
  if (kSanitized) return false;  // what is lost is to be found
  void* const memory =
      ::mmap(nullptr, kRecord * kRecords, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return false;
  static Place ours(memory);
  place = &ours;
  event_set_mem_functions(allocate, change, release);
  return true;
}

}  // namespace

void give_events_their_place() {
  static const bool prepared = prepare();
  (void)prepared;
}

}  // namespace sluice
