// sd_notify(3) without the library: one datagram to $NOTIFY_SOCKET. Without that variable nothing happens.
#pragma once
#include <string_view>

namespace sluice::supervisor {

/// "READY=1", "STOPPING=1", "STATUS=…"; several lines may go in one.
void notify_service_manager(std::string_view state);

}  // namespace sluice::supervisor
