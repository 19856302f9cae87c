// See loop.h.
#include "tests/restart/load/loop.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace sluice::load {

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  SLUICE_CHECK(epoll_, "epoll");
}

void Loop::control(int what, int socket, std::uint32_t events, Actor& actor) {
  epoll_event event{.events = events, .data = {.ptr = &actor}};
  SLUICE_CHECK(::epoll_ctl(epoll_.get(), what, socket, &event) == 0, "epoll_ctl");
}

void Loop::watch(int socket, std::uint32_t events, Actor& actor) {
  control(EPOLL_CTL_ADD, socket, events, actor);
}
void Loop::change(int socket, std::uint32_t events, Actor& actor) {
  control(EPOLL_CTL_MOD, socket, events, actor);
}

void Loop::call_at(Time when, Actor& actor) {
  if (actor.due_ == when) return;
  actor.due_ = when;
  if (when != Time::max()) times_.push({when, &actor});
}

void Loop::turn(std::chrono::milliseconds longest) {
  const Time now = Clock::now();
  if (!times_.empty()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(times_.top().when - now);
    longest = std::clamp(left, std::chrono::milliseconds(0), longest);
  }
  std::array<epoll_event, 256> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), events.size(), static_cast<int>(longest.count()));
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    static_cast<Actor*>(event.data.ptr)->ready(event.events);
  }
  const Time then = Clock::now();
  while (!times_.empty() && times_.top().when <= then) {
    const Entry entry = times_.top();
    times_.pop();
    if (entry.actor->due_ != entry.when) continue;
    entry.actor->due_ = Time::max();
    entry.actor->time_came();
  }
}

}  // namespace sluice::load
