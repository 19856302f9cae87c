// See fd_events.h.
#include "base/fd_events.h"

#include <event2/event.h>

#include "base/check.h"

namespace sluice {

void FdEvents::Free::operator()(event* e) const {
  event_free(e);
}

FdEvents::FdEvents(Loop& loop, int fd) : loop_(loop) {
  event_.reset(event_new(
      loop.base(), fd, EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST,
      [](evutil_socket_t, short what, void* self) {
        auto& events = *static_cast<FdEvents*>(self);
        if ((what & EV_CLOSED) != 0) events.peer_closed_ = true;
        if ((what & (EV_READ | EV_CLOSED)) != 0) events.readable.set();
        if ((what & EV_WRITE) != 0) events.writable.set();
      },
      this));
  SLUICE_CHECK(event_ != nullptr && event_add(event_.get(), nullptr) == 0, "epoll refuses a descriptor");
  readable.set();
  writable.set();
}

FdEvents::~FdEvents() = default;

}  // namespace sluice
