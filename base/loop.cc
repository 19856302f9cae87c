// See loop.h. libevent gives the dispatch over epoll; one libevent timer stands for the earliest deadline and is armed
// lazily: when deadlines move later, the timer fires early once and is armed again.
#include "base/loop.h"

#include <event2/event.h>

#include <algorithm>
#include <ctime>

#include "base/check.h"
#include "base/event_memory.h"

namespace sluice {
namespace {
// Enough that most writes wake nobody, few enough that what they will write is still in the cache (measured:
// docs/performance.md).
constexpr std::size_t kBurst = 32;
}  // namespace

Nanos steady_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::chrono::seconds(now.tv_sec) + Nanos(now.tv_nsec);
}

std::chrono::system_clock::time_point wall_now() {
  return std::chrono::system_clock::now();
}

Waiter::~Waiter() {
  loop_.forget(*this);
}

void Waiter::suspend(std::coroutine_handle<> handle) {
  handle_ = handle;
  if (!deadline_.is_never()) loop_.watch_deadline(*this);
}

Loop::Loop() : now_(steady_now()) {
  give_events_their_place();
  event_config* config = event_config_new();
  SLUICE_CHECK(config != nullptr, "libevent has no memory");
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
  event_config_avoid_method(config, "poll");
  event_config_avoid_method(config, "select");
  base_ = event_base_new_with_config(config);
  event_config_free(config);
  SLUICE_CHECK(base_ != nullptr, "libevent offers no epoll");
  // the callback only notes that the timer is spent: run() looks at the heap after every turn
  timer_ = event_new(
      base_, -1, 0, [](evutil_socket_t, short, void* armed) { *static_cast<Deadline*>(armed) = Deadline::never(); },
      &armed_);
  SLUICE_CHECK(timer_ != nullptr, "libevent has no memory");
}

Loop::~Loop() {
  SLUICE_CHECK(ready_.empty() && writers_.empty() && timers_.size() == 0, "a coroutine outlives the loop it waits on");
  event_free(timer_);
  event_base_free(base_);
}

void Loop::run() {
  stopping_ = false;
  now_ = steady_now();
  for (;;) {
    expire();
    run_ready();
    if (stopping_) return;
    if (ready_.empty()) arm_timer();
    const int flags = EVLOOP_ONCE | (ready_.empty() ? 0 : EVLOOP_NONBLOCK);
    // EVLOOP_NO_EXIT_ON_EMPTY: a loop without registrations still waits for nothing rather than spin
    SLUICE_CHECK(event_base_loop(base_, flags | EVLOOP_NO_EXIT_ON_EMPTY) >= 0, "epoll failed");
    now_ = steady_now();
  }
}

void Loop::expire() {
  while (Waiter* waiter = timers_.earliest()) {
    if (waiter->deadline_.since_boot() > now_) break;
    timers_.remove(*waiter);
    if (waiter->queue_ != nullptr) continue;
    waiter->wake_ = Wake::kTimeout;
    make_ready(*waiter);
  }
}

// Runs what is queued now; what these coroutines queue in turn runs in the next turn, after the sockets had their say.
void Loop::run_ready() {
  for (std::size_t budget = ready_.size(); budget > 0 && !ready_.empty() && !stopping_; --budget) {
    resume_first(ready_);
    if (writers_.size() >= kBurst) write_out();
  }
  write_out();
}

void Loop::write_out() {
  while (!writers_.empty() && !stopping_) resume_first(writers_);
}

void Loop::resume_first(WaiterQueue& queue) {
  Waiter* const waiter = queue.first();
  queue.remove(*waiter);
  if (waiter->heap_index_ != Waiter::kNotInHeap) timers_.remove(*waiter);
  waiter->handle_.resume();  // the waiter is gone after this line
}

void Loop::arm_timer() {
  const Waiter* const earliest = timers_.earliest();
  if (earliest == nullptr || armed_ <= earliest->deadline_) return;
  armed_ = earliest->deadline_;
  const auto left = std::max(Nanos(0), armed_.since_boot() - now_);
  const auto micros = std::chrono::ceil<std::chrono::microseconds>(left).count();
  const timeval delay{.tv_sec = static_cast<time_t>(micros / 1'000'000),
                      .tv_usec = static_cast<suseconds_t>(micros % 1'000'000)};
  event_add(timer_, &delay);
}

void Loop::watch_deadline(Waiter& waiter) {
  timers_.add(waiter);
}

void Loop::make_ready(Waiter& waiter) {
  if (waiter.queue_ == nullptr) ready_.add(waiter);
}

void Loop::forget(Waiter& waiter) {
  if (waiter.queue_ != nullptr) waiter.queue_->remove(waiter);
  if (waiter.heap_index_ != Waiter::kNotInHeap) timers_.remove(waiter);
}

void WaiterQueue::add(Waiter& waiter) {
  waiter.queue_ = this;
  waiter.next_ = nullptr;
  waiter.previous_ = last_;
  (last_ != nullptr ? last_->next_ : first_) = &waiter;
  last_ = &waiter;
  ++size_;
}

void WaiterQueue::remove(Waiter& waiter) {
  (waiter.previous_ != nullptr ? waiter.previous_->next_ : first_) = waiter.next_;
  (waiter.next_ != nullptr ? waiter.next_->previous_ : last_) = waiter.previous_;
  waiter.queue_ = nullptr;
  --size_;
}

}  // namespace sluice
