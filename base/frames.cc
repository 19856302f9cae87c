// See frames.h. Under a sanitizer every frame comes from malloc, so that use after free is seen.
#include "base/frames.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <new>
#include <utility>

#include "base/check.h"
#include "base/memory.h"

namespace sluice::frames {
namespace {
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLUICE_PLAIN_FRAMES 1
#endif
#endif

[[maybe_unused]] constexpr std::size_t kStep =
    16;  // as malloc: an idle connection is four small frames, and rounding up would be a third of them
constexpr std::size_t kClasses = 1024;  // up to 16 KiB: an exchange with its two heads is one frame
[[maybe_unused]] constexpr std::size_t kKeepBytes = std::size_t{32} << 20;  // more than this goes back to malloc

struct FreeFrame {
  FreeFrame* next;
};
struct SizeClass {
  FreeFrame* head = nullptr;
  std::size_t count = 0;
  std::size_t lowest = 0;  ///< since the last trim(): so many were never needed
};
struct Lists {
  std::array<SizeClass, kClasses> classes;
  std::size_t kept = 0;  ///< bytes
  long live = 0;
  Lists() = default;
  Lists(Lists&&) = delete;
  ~Lists() {
    for (SizeClass& c : classes)
      while (c.head != nullptr) std::free(std::exchange(c.head, c.head->next));
  }
};
thread_local Lists lists;

[[maybe_unused]] constexpr std::size_t size_of(std::size_t index) {
  return (index + 1) * kStep;
}
}  // namespace

void* allocate(std::size_t size) {
  ++lists.live;
#ifndef SLUICE_PLAIN_FRAMES
  const std::size_t index = (size - 1) / kStep;
  if (index < kClasses) {
    SizeClass& c = lists.classes[index];
    if (c.head != nullptr) {
      --c.count;
      c.lowest = std::min(c.lowest, c.count);
      lists.kept -= size_of(index);
      return std::exchange(c.head, c.head->next);
    }
    size = size_of(index);
  }
#endif
  void* frame = std::malloc(size);
  SLUICE_CHECK(frame != nullptr, "out of memory for a coroutine frame");
  return frame;
}

void free(void* frame, [[maybe_unused]] std::size_t size) {
  --lists.live;
#ifndef SLUICE_PLAIN_FRAMES
  const std::size_t index = (size - 1) / kStep;
  if (index < kClasses && lists.kept + size_of(index) <= kKeepBytes) {
    SizeClass& c = lists.classes[index];
    c.head = ::new (frame) FreeFrame{c.head};
    ++c.count;
    lists.kept += size_of(index);
    return;
  }
#endif
  std::free(frame);
}

void trim() {
  for (std::size_t index = 0; index < kClasses && lists.kept != 0; ++index) {
    SizeClass& c = lists.classes[index];
    for (std::size_t spare = (c.lowest + 1) / 2; spare > 0; --spare, --c.count, lists.kept -= size_of(index))
      std::free(std::exchange(c.head, c.head->next));
    c.lowest = c.count;
  }
}

void give_back() {
  for (SizeClass& c : lists.classes) {
    while (c.head != nullptr) std::free(std::exchange(c.head, c.head->next));
    c.count = c.lowest = 0;
  }
  lists.kept = 0;
}

long live() {
  return lists.live;
}

}  // namespace sluice::frames
