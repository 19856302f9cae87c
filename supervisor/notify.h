// sd_notify(3) without the library: one datagram to $NOTIFY_SOCKET. Without that variable nothing happens.
#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace sluice::supervisor {

/// "READY=1", "STOPPING=1", "STATUS=…"; several lines may go in one. Waits a moment for a manager that is busy.
void notify_service_manager(std::string_view state);
/// The same with descriptors: "FDSTORE=1". Borrowed. Waits as long as this for a manager that is busy. Errors:
/// kTimeout, kUnavailable, kSystem: it has not heard.
[[nodiscard]] Result<> notify_service_manager(std::string_view state, std::span<const int> fds, Millis patience);
/// Is there anybody to notify?
[[nodiscard]] bool has_service_manager();
/// How often it wants to hear "WATCHDOG=1", with room to spare; nothing when it does not.
[[nodiscard]] std::optional<Millis> watchdog_interval();

}  // namespace sluice::supervisor
