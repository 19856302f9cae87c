// Memory for coroutine frames: every frame in the program goes through these two functions, so that frames can be
// counted (the count must read 0 at a clean exit) and recycled. Freed frames wait in per-thread lists by size class,
// which makes an awaited child cost a few nanoseconds in place of a malloc and a free.
#pragma once
#include <cstddef>

namespace sluice::frames {
[[nodiscard]] void* allocate(std::size_t size);
void free(void* frame, std::size_t size);
/// Frames alive in this thread.
[[nodiscard]] long live();
}  // namespace sluice::frames
