// Memory for coroutine frames: every frame in the program goes through these two functions, so that frames can be
// counted (the count must read 0 at a clean exit) and recycled. Freed frames wait in per-thread lists by size class,
// which makes an awaited child cost a few nanoseconds in place of a malloc and a free.
#pragma once
#include <cstddef>

namespace sluice::frames {
[[nodiscard]] void* allocate(std::size_t size);
void free(void* frame, std::size_t size);
/// Gives back to malloc half of what has not been needed since the last call. Somebody calls it now and then (a
/// worker's sampler), so that frames which come and go by the thousand are recycled and those of a past burst are not
/// kept for ever.
void trim();
/// Frames alive in this thread.
[[nodiscard]] long live();
}  // namespace sluice::frames
