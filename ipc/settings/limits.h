// Settings of what a tenant's workers may use and what clients may ask of them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/settings/describe.h"
#include "ipc/settings/checks.h"

namespace sluice::ipc {

struct SourceLimitSettings {
  std::uint32_t connections = 0;
  std::uint32_t connection_rate = 0;
  std::uint32_t connection_burst = 0;
  std::uint32_t request_rate = 0;
  std::uint32_t request_burst = 0;
  std::uint32_t remembered = 16'384;
  std::vector<std::string> exempt;

  static constexpr std::string_view about =
      "What one source may do: an IPv4 address, or an IPv6 network of 64 bits, in which one client can choose "
      "addresses as it likes. Of each worker: the kernel spreads the connections of a source over all of them.";
  static constexpr void describe(auto& f) {
    using S = SourceLimitSettings;
    f(&S::connections, "connections", "Connections at a time; more are closed at once.")
        .range(1, 1 << 20)
        .zero("no limit");
    f(&S::connection_rate, "connection_rate", "New connections a second; more are closed at once.")
        .range(1, 1'000'000)
        .zero("no limit");
    f(&S::connection_burst, "connection_burst", "New connections taken at once before the rate holds.")
        .range(1, 1'000'000)
        .zero("a second's worth");
    f(&S::request_rate, "request_rate",
      "Requests a second; more are answered with 429 and Retry-After. The source is the client that trusted proxies "
      "name, when they do.")
        .range(1, 1'000'000)
        .zero("no limit");
    f(&S::request_burst, "request_burst", "Requests taken at once before the rate holds.")
        .range(1, 1'000'000)
        .zero("a second's worth");
    f(&S::remembered, "remembered",
      "Sources without a connection that are remembered; beyond it the one that was heard of longest ago is forgotten.")
        .range(16, 1 << 20);
    f(&S::exempt, "exempt", "Networks without these limits: load balancers, monitoring.").check(kNetwork);
  }
};
static_assert(settings::complete<SourceLimitSettings>());

struct LimitSettings {
  std::uint32_t descriptors = 65'536;
  Size memory;
  Size buffers = Size::mib(512);
  std::uint32_t connections = 20'000;
  Size log_per_second = Size::mib(16);
  std::uint32_t request_rate = 0;
  std::uint32_t request_burst = 0;
  SourceLimitSettings source;

  static constexpr std::string_view about = "What each worker may use.";
  static constexpr void describe(auto& f) {
    using S = LimitSettings;
    f(&S::descriptors, "descriptors", "Open descriptors (RLIMIT_NOFILE), cut to the hard limit that sluice itself has.")
        .range(64, 1 << 20);
    f(&S::memory, "memory",
      "Memory, where sluice may make cgroups. The workers of a tenant share one cgroup with this much for each of "
      "them; "
      "when they go over it together the kernel kills one, which is restarted.")
        .at_least(Size::mib(16))
        .zero("no limit");
    f(&S::buffers, "buffers",
      "Memory for the data on its way, in blocks of 32 KiB. Beyond it connections whose request head is still "
      "incomplete "
      "are closed, the newest first, then new requests are answered with 503 and Retry-After.")
        .at_least(Size::mib(1))
        .zero("no limit");
    f(&S::connections, "connections", "Client connections at a time; at the limit new ones wait in the kernel's queue.")
        .range(1, 1 << 20);
    f(&S::log_per_second, "log_per_second",
      "Lines of the log in a second, for all workers of the tenant together as many times as there are workers. Who "
      "writes more is read more slowly, drops what has no room and says how much that was.")
        .at_least(Size::kib(16))
        .zero("no limit");
    f(&S::request_rate, "request_rate",
      "Requests a second from all clients together; more are answered with 503 and Retry-After.")
        .range(1, 10'000'000)
        .zero("no limit");
    f(&S::request_burst, "request_burst", "Requests taken at once before the rate holds.")
        .range(1, 10'000'000)
        .zero("a second's worth");
    f(&S::source, "source", "");
  }
};
static_assert(settings::complete<LimitSettings>());

}  // namespace sluice::ipc
