// Scope: a local variable that owns background work. spawn() starts a task at once; leaving the block destroys, and so
// cancels, whatever still waits. "The client went away" is nothing but a session function that returns: its scope dies,
// and with it every exchange, dial and hook.
//
// The task is made by a callable that the scope keeps, with its arguments, for as long as the task lives, so captures
// and arguments cannot dangle. A scope may not be destroyed by one of its own tasks. Thread: one.
#pragma once
#include <coroutine>
#include <cstddef>
#include <utility>

#include "base/frames.h"
#include "base/signal.h"
#include "base/task.h"

namespace sluice {

class Scope {
 public:
  Scope() = default;
  Scope(Scope&&) = delete;
  ~Scope() { cancel(); }

  /// `scope.spawn(serve, std::move(fd));` or `scope.spawn([this] { return run(); });`
  template <class F, class... A>
  void spawn(F callable, A... arguments) {
    Root root = drive(std::move(callable), std::move(arguments)...);
    link(root.handle.promise());
    root.handle.resume();
  }

  /// Destroys every task that has not finished, newest first.
  void cancel() {
    while (newest_ != nullptr) {
      RootPromise& promise = *newest_;
      unlink(promise);
      std::coroutine_handle<RootPromise>::from_promise(promise).destroy();
    }
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  /// `co_await scope.join(loop, deadline)`: kReady once every task has finished.
  [[nodiscard]] SignalWait join(Loop& loop, Deadline deadline) {
    if (empty()) {
      idle_.set();
    } else {
      idle_.clear();
    }
    return idle_.wait(loop, deadline);
  }

 private:
  struct RootPromise;
  struct Root {
    using promise_type = RootPromise;
    std::coroutine_handle<RootPromise> handle;
  };
  struct RootPromise {
    Scope* scope = nullptr;
    RootPromise* newer = nullptr;
    RootPromise* older = nullptr;

    static void* operator new(std::size_t size) { return frames::allocate(size); }
    static void operator delete(void* frame, std::size_t size) { frames::free(frame, size); }
    Root get_return_object() noexcept { return {std::coroutine_handle<RootPromise>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    struct Final {
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<RootPromise> handle) const noexcept {
        handle.promise().scope->finished(handle);
      }
      void await_resume() const noexcept {}
    };
    Final final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    // hooks may throw, and worker/call_hook.cc catches that; anything that gets here is ours
    [[noreturn]] void unhandled_exception() noexcept {
      check_failed("no exception", "an exception left a task", __FILE__, __LINE__);
    }
  };

  template <class F, class... A>
  static Root drive(F callable, A... arguments) {
    co_await callable(std::move(arguments)...);
  }

  void link(RootPromise& promise) {
    promise.scope = this;
    promise.older = newest_;
    if (newest_ != nullptr) newest_->newer = &promise;
    newest_ = &promise;
    ++size_;
  }
  void unlink(RootPromise& promise) {
    (promise.newer != nullptr ? promise.newer->older : newest_) = promise.older;
    if (promise.older != nullptr) promise.older->newer = promise.newer;
    --size_;
  }
  void finished(std::coroutine_handle<RootPromise> handle) {
    unlink(handle.promise());
    handle.destroy();
    if (empty()) idle_.set();
  }

  RootPromise* newest_ = nullptr;
  std::size_t size_ = 0;
  Signal idle_;
};

}  // namespace sluice
