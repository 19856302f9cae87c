// The coroutine shapes that g++ 12.2 miscompiles (docs/coroutines.md): a compiler that fails one of them is refused at
// configure time. Each shape counts constructions and destructions; a double destruction or a frame whose header is not
// where operator new put it makes the program say so and exit with 1.
#include <coroutine>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <utility>

namespace {
void* last_frame = nullptr;
int live = 0;

struct Counted {
  std::string text = "long enough that the string lives on the heap, not inline";
  Counted() { ++live; }
  Counted(const Counted& other) : text(other.text) { ++live; }
  Counted(Counted&& other) noexcept : text(std::move(other.text)) { ++live; }
  ~Counted() { --live; }
};

struct Task {
  struct promise_type {
    static void* operator new(std::size_t size) { return last_frame = std::malloc(size); }
    static void operator delete(void* frame) { std::free(frame); }
    Task get_return_object() noexcept {
      auto handle = std::coroutine_handle<promise_type>::from_promise(*this);
      if (last_frame != nullptr && last_frame != handle.address()) {
        std::puts("a coroutine frame does not start where it was allocated");
        std::exit(1);
      }
      last_frame = nullptr;
      return Task{handle};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_value(int v) noexcept { value = v; }
    void unhandled_exception() noexcept { std::terminate(); }
    int value = 0;
  };
  explicit Task(std::coroutine_handle<promise_type> h) : handle(h) {}
  Task(Task&&) = delete;
  ~Task() { handle.destroy(); }
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<>) noexcept {
    while (!handle.done()) handle.resume();
    return false;
  }
  int await_resume() noexcept { return handle.promise().value; }
  std::coroutine_handle<promise_type> handle;
};

struct Yes {
  bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) noexcept {}
  bool await_resume() noexcept { return true; }
};

struct Aggregate {
  Counted counted;
  int n;
};

Task condition() {
  if (co_await Yes{}) co_return 1;
  co_return 0;
}
Task takes_aggregate(Aggregate a) {
  co_await Yes{};
  co_return a.n;
}
Task aggregate_temporary() {
  co_return co_await takes_aggregate(Aggregate{Counted{}, 5});
}
template <class F>
Task takes_callable(F f) {
  co_await Yes{};
  co_return f();
}
Task owning_lambda() {
  Counted k;
  co_return co_await takes_callable([k] { return static_cast<int>(k.text.size()); });
}
Task await_in_braces() {
  Aggregate a{Counted{}, co_await takes_callable([] { return 4; })};
  co_return a.n;
}

template <class F>
bool clean(const char* name, F f) {
  live = 0;
  {
    Task task = f();
    while (!task.handle.done()) task.handle.resume();
  }
  if (live == 0) return true;
  std::printf("%s leaves %d live objects\n", name, live);
  return false;
}
}  // namespace

int main() {
  const bool ok = clean("co_await in a condition", condition) && clean("aggregate temporary", aggregate_temporary) &&
                  clean("owning lambda", owning_lambda) && clean("co_await in braces", await_in_braces);
  return ok ? 0 : 1;
}
