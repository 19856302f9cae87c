// See frames.h. Under a sanitizer every frame comes from malloc, so that use after free is seen.
#include "base/frames.h"

#include <array>
#include <cstdlib>
#include <new>
#include <utility>

#include "base/check.h"

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
[[maybe_unused]] constexpr std::size_t kKeepPerClass = 128;  // more than this go back to malloc

struct FreeFrame {
  FreeFrame* next;
};
struct SizeClass {
  FreeFrame* head = nullptr;
  std::size_t count = 0;
};
struct Lists {
  std::array<SizeClass, kClasses> classes;
  long live = 0;
  Lists() = default;
  Lists(Lists&&) = delete;
  ~Lists() {
    for (SizeClass& c : classes)
      while (c.head != nullptr) std::free(std::exchange(c.head, c.head->next));
  }
};
thread_local Lists lists;
}  // namespace

void* allocate(std::size_t size) {
  ++lists.live;
#ifndef SLUICE_PLAIN_FRAMES
  const std::size_t index = (size - 1) / kStep;
  if (index < kClasses) {
    SizeClass& c = lists.classes[index];
    if (c.head != nullptr) {
      --c.count;
      return std::exchange(c.head, c.head->next);
    }
    size = (index + 1) * kStep;
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
  if (index < kClasses && lists.classes[index].count < kKeepPerClass) {
    SizeClass& c = lists.classes[index];
    c.head = ::new (frame) FreeFrame{c.head};
    ++c.count;
    return;
  }
#endif
  std::free(frame);
}

long live() {
  return lists.live;
}

}  // namespace sluice::frames
