// See fd_events.h.
#include "base/fd_events.h"

#include <event2/event.h>
#include <event2/event_struct.h>

#include <utility>

#include "base/check.h"

namespace sluice {

// Where the loop looks; stays where it is when the signals move.
struct FdEvents::Registration {
  Registration(Loop& loop, int fd, FdEvents& first) : owner(&first) {
    const int assigned = event_assign(
        &in_loop, loop.base(), fd, EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST,
        [](evutil_socket_t, short what, void* self) { static_cast<Registration*>(self)->owner->happened(what); }, this);
    SLUICE_CHECK(assigned == 0 && event_add(&in_loop, nullptr) == 0, "epoll refuses a descriptor");
  }
  Registration(Registration&&) = delete;
  ~Registration() { event_del(&in_loop); }

  event in_loop{};
  FdEvents* owner;
};

FdEvents::FdEvents(Loop& loop, int fd) : loop_(loop), registration_(std::make_unique<Registration>(loop, fd, *this)) {
  readable.set();
  writable.set();
}

FdEvents::FdEvents(FdEvents&& other) noexcept
    : loop_(other.loop_),
      registration_(std::move(other.registration_)),
      peer_closed_(other.peer_closed_),
      unconfirmed_(other.unconfirmed_) {
  registration_->owner = this;
  if (other.readable.is_set()) readable.set();
  if (other.writable.is_set()) writable.set();
}

FdEvents::~FdEvents() = default;

void FdEvents::happened(short what) {
  if ((what & EV_CLOSED) != 0) peer_closed_ = true;
  if ((what & (EV_READ | EV_CLOSED)) != 0) readable.set();
  if ((what & EV_WRITE) != 0) writable.set();
}

}  // namespace sluice
