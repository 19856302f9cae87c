// Signal: a fact with one possible waiter. set() records it and queues who waits; wait() ends at once while it is set.
// It stays set until clear(): the code that used the fact up clears it. This is how callbacks talk to coroutines. (UNIX
// signals are in base/os_signals.h.)
#pragma once
#include "base/check.h"
#include "base/loop.h"

namespace sluice {

class SignalWait;

class Signal {
 public:
  Signal() = default;
  Signal(Signal&&) = delete;
  ~Signal() { SLUICE_CHECK(waiter_ == nullptr, "a signal dies while somebody waits for it"); }

  void set();
  void clear() { set_ = false; }
  [[nodiscard]] bool is_set() const { return set_; }
  /// Ends with kReady when the signal is or gets set, with kTimeout at the deadline. One waiter at a time.
  [[nodiscard]] SignalWait wait(Loop& loop, Deadline deadline);

 private:
  friend class SignalWait;
  SignalWait* waiter_ = nullptr;
  bool set_ = false;
};

class [[nodiscard]] SignalWait : private Waiter {
 public:
  SignalWait(Loop& loop, Signal& signal, Deadline deadline) : Waiter(loop, deadline), signal_(signal) {}
  ~SignalWait() {
    if (signal_.waiter_ == this) signal_.waiter_ = nullptr;
  }
  bool await_ready() const noexcept { return signal_.set_ && loop().may_run_on(); }
  void await_suspend(std::coroutine_handle<> handle) {
    SLUICE_CHECK(signal_.waiter_ == nullptr, "two coroutines wait for one signal");
    signal_.waiter_ = this;
    suspend(handle);
    if (signal_.set_) loop().make_ready(*this);
  }
  Wake await_resume() const noexcept { return wake(); }

 private:
  friend class Signal;
  Signal& signal_;
};

inline void Signal::set() {
  set_ = true;
  if (waiter_ != nullptr) waiter_->loop().make_ready(*waiter_);
}
inline SignalWait Signal::wait(Loop& loop, Deadline deadline) {
  return {loop, *this, deadline};
}

}  // namespace sluice
