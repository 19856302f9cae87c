// Task<T>: a lazy coroutine that is awaited where it is made.
//
// The rules (docs/coroutines.md): a Task cannot be moved, so its reference arguments outlive it; it starts when it is
// awaited and runs inline until it first has to wait; destroying it cancels it, at whatever point it waits, by running
// the destructors of its locals. Awaiting resumes the child inside await_suspend and answers `false` when it finished
// at once: no symmetric transfer, so a million children that finish at once need no stack in any build mode. Tasks
// carry an exception out, because an application's hook may throw; house code does not. Thread: one loop's thread. Only
// this file and base/loop.cc call resume().
#pragma once
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/check.h"
#include "base/frames.h"

namespace sluice {

template <class T>
class Task;

namespace detail {

enum class Start : unsigned char { kInline, kSuspended };

struct PromiseBase {
  std::coroutine_handle<> parent;
  std::exception_ptr error;
  Start start = Start::kInline;

  static void* operator new(std::size_t size) { return frames::allocate(size); }
  static void operator delete(void* frame, std::size_t size) { frames::free(frame, size); }

  std::suspend_always initial_suspend() noexcept { return {}; }

  struct Final {
    bool await_ready() const noexcept { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> handle) const noexcept {
      PromiseBase& promise = handle.promise();
      // inline: the parent is still inside await_suspend and looks at done() itself
      if (promise.start == Start::kSuspended) promise.parent.resume();
    }
    void await_resume() const noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }
};

template <class T>
struct Promise : PromiseBase {
  std::optional<T> value;
  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() noexcept {}
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  Task(Task&&) = delete;
  ~Task() { handle_.destroy(); }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> parent) noexcept {
    handle_.promise().parent = parent;
    handle_.resume();
    if (handle_.done()) return false;
    handle_.promise().start = detail::Start::kSuspended;
    return true;
  }
  T await_resume() {
    if (handle_.promise().error) [[unlikely]]
      std::rethrow_exception(std::move(handle_.promise().error));
    if constexpr (!std::is_void_v<T>) return std::move(*handle_.promise().value);
  }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

}  // namespace sluice
