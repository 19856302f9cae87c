// The deadline heap of loop.h.
#include <utility>

#include "base/loop.h"

namespace sluice {

void TimerHeap::place(std::size_t index, Waiter* waiter) {
  heap_[index] = waiter;
  waiter->heap_index_ = static_cast<std::uint32_t>(index);
}

void TimerHeap::sift_up(std::size_t index) {
  Waiter* const moving = heap_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (heap_[parent]->deadline_ <= moving->deadline_) break;
    place(index, heap_[parent]);
    index = parent;
  }
  place(index, moving);
}

void TimerHeap::sift_down(std::size_t index) {
  Waiter* const moving = heap_[index];
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1]->deadline_ < heap_[child]->deadline_) ++child;
    if (moving->deadline_ <= heap_[child]->deadline_) break;
    place(index, heap_[child]);
    index = child;
  }
  place(index, moving);
}

void TimerHeap::add(Waiter& waiter) {
  heap_.push_back(&waiter);
  sift_up(heap_.size() - 1);
}

void TimerHeap::remove(Waiter& waiter) {
  const std::size_t index = waiter.heap_index_;
  waiter.heap_index_ = Waiter::kNotInHeap;
  Waiter* const last = heap_.back();
  heap_.pop_back();
  if (last == &waiter) return;
  place(index, last);
  sift_up(index);
  sift_down(last->heap_index_);
}

}  // namespace sluice
