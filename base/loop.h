// Loop: libevent's dispatcher plus a ready queue and deadlines, the only place that resumes a waiting coroutine.
//
// The idea: an awaitable derives from Waiter and *is* the registration. A libevent callback (or any code) only records
// facts and queues waiters; the loop resumes them one by one after the callbacks have returned, so no coroutine ever
// runs inside a C library. Destroying a Waiter takes it out of every queue, which is what makes "destroy = cancel"
// true. Owned by the process's main function; everything that waits holds a reference. Thread: one.
#pragma once
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "base/time.h"

struct event_base;
struct event;

namespace sluice {

class Loop;
class WaiterQueue;

/// Why a wait ended. Cancellation is not a reason: who is cancelled does not run again.
enum class Wake : std::uint8_t { kReady, kTimeout };

/// One waiting coroutine. Lives on the frame that waits; Cancel: its destructor unregisters.
class Waiter {
 public:
  Waiter(Waiter&&) = delete;

 protected:
  Waiter(Loop& loop, Deadline deadline) : loop_(loop), deadline_(deadline) {}
  ~Waiter();

  /// Registers the coroutine: from now on Loop::make_ready() or the deadline resumes it.
  void suspend(std::coroutine_handle<> handle);
  [[nodiscard]] Wake wake() const { return wake_; }
  [[nodiscard]] Loop& loop() const { return loop_; }

 private:
  friend class Loop;
  friend class TimerHeap;
  friend class WaiterQueue;
  static constexpr std::uint32_t kNotInHeap = UINT32_MAX;

  Loop& loop_;
  Deadline deadline_;
  std::coroutine_handle<> handle_;
  Waiter* next_ = nullptr;  // in queue_
  Waiter* previous_ = nullptr;
  std::uint32_t heap_index_ = kNotInHeap;
  WaiterQueue* queue_ = nullptr;
  Wake wake_ = Wake::kReady;
};

/// Waiters in the order in which they will be resumed. A waiter is in at most one queue, and linked through its own
/// members, so leaving early is cheap.
class WaiterQueue {
 public:
  void add(Waiter& waiter);
  void remove(Waiter& waiter);
  [[nodiscard]] Waiter* first() const { return first_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  std::size_t size_ = 0;
};

/// Waiters by deadline: a binary heap of pointers with the position kept in the waiter, so leaving early is cheap.
class TimerHeap {
 public:
  void add(Waiter& waiter);
  void remove(Waiter& waiter);
  [[nodiscard]] Waiter* earliest() const { return heap_.empty() ? nullptr : heap_.front(); }
  [[nodiscard]] std::size_t size() const { return heap_.size(); }

 private:
  void place(std::size_t index, Waiter* waiter);
  void sift_up(std::size_t index);
  void sift_down(std::size_t index);
  std::vector<Waiter*> heap_;
};

class Loop {
 public:
  Loop();
  Loop(Loop&&) = delete;
  ~Loop();

  /// Runs until stop(). Every coroutine that waits on this loop must be destroyed before the loop is.
  void run();
  /// Makes run() return after the coroutine that calls this has suspended.
  void stop() { stopping_ = true; }

  /// The steady clock, read once per turn of the loop.
  [[nodiscard]] Nanos now() const { return now_; }
  /// The deadline `after` from now; zero or less means never, as "0" means "off" in the configuration.
  [[nodiscard]] Deadline in(Millis after) const {
    return after.count() <= 0 ? Deadline::never() : Deadline(now_ + after);
  }

  /// `co_await loop.until(deadline);` always ends with the deadline.
  class Sleep;
  [[nodiscard]] Sleep until(Deadline deadline);
  [[nodiscard]] Sleep sleep(Millis duration);
  /// Lets every other ready coroutine run first.
  class Yield;
  [[nodiscard]] Yield yield();
  /// For who is about to write: lets others that are ready go on until they want to write as well, kBurst of them at
  /// most; then all write, one right after the other. A peer that the first write wakes is still awake for the next,
  /// and waking somebody is the dearest part of a small write. Costs nothing when nobody else is ready.
  class WriteTurn;
  [[nodiscard]] WriteTurn write_turn();

  /// Queues a waiter to be resumed; harmless when it is queued already.
  void make_ready(Waiter& waiter);
  /// True while an awaitable that is ready at once may go on without queueing: every 64th time it may not, so that a
  /// coroutine whose data never runs dry lets the others live.
  [[nodiscard]] bool may_run_on() { return (++immediate_ & 63U) != 0; }

  [[nodiscard]] event_base* base() const { return base_; }

 private:
  friend class Waiter;
  void forget(Waiter& waiter);
  void watch_deadline(Waiter& waiter);
  void arm_timer();
  void expire();
  void run_ready();
  void write_out();
  void resume_first(WaiterQueue& queue);

  event_base* base_;
  event* timer_;
  Nanos now_;
  Deadline armed_;
  TimerHeap timers_;
  WaiterQueue ready_;
  WaiterQueue writers_;
  std::uint32_t immediate_ = 0;
  bool stopping_ = false;
};

class [[nodiscard]] Loop::Sleep : private Waiter {
 public:
  Sleep(Loop& loop, Deadline deadline) : Waiter(loop, deadline) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) { suspend(handle); }
  void await_resume() const noexcept {}
};

class [[nodiscard]] Loop::Yield : private Waiter {
 public:
  explicit Yield(Loop& loop) : Waiter(loop, Deadline::never()) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    suspend(handle);
    loop().make_ready(*this);
  }
  void await_resume() const noexcept {}
};

class [[nodiscard]] Loop::WriteTurn : private Waiter {
 public:
  explicit WriteTurn(Loop& loop) : Waiter(loop, Deadline::never()) {}
  bool await_ready() const noexcept { return loop().ready_.empty(); }
  void await_suspend(std::coroutine_handle<> handle) {
    suspend(handle);
    loop().writers_.add(*this);
  }
  void await_resume() const noexcept {}
};

inline Loop::Sleep Loop::until(Deadline deadline) {
  return {*this, deadline};
}
inline Loop::Sleep Loop::sleep(Millis duration) {
  return {*this, Deadline(now_ + duration)};
}
inline Loop::Yield Loop::yield() {
  return Yield(*this);
}
inline Loop::WriteTurn Loop::write_turn() {
  return WriteTurn(*this);
}

}  // namespace sluice
