// Settings of the way out: connections to origins, what may be reached, and names.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/settings/describe.h"
#include "ipc/settings/checks.h"

namespace sluice::ipc {

using namespace std::chrono_literals;

struct PoolSettings {
  std::uint32_t max_idle = 64;
  Milliseconds idle_timeout = 50s;
  std::uint32_t max_connections = 0;
  std::uint64_t requests_per_connection = 0;
  Milliseconds max_age = 0ms;

  static constexpr std::string_view about =
      "Connections to each server, and which are kept open for the next request. Each worker counts its own.";
  static constexpr void describe(auto& f) {
    using S = PoolSettings;
    f(&S::max_idle, "max_idle", "Idle connections kept by each worker, for each server.")
        .range(1, 100'000)
        .zero("keep none");
    f(&S::idle_timeout, "idle_timeout",
      "Close an idle connection after this time, or a second before the time that the origin names in Keep-Alive; less "
      "than the origin's own keep-alive time is best.")
        .range(100ms, 24h);
    f(&S::max_connections, "max_connections",
      "Connections to one server at a time, busy and idle; requests beyond them wait in `queue`.")
        .range(1, 1 << 20)
        .zero("no limit");
    f(&S::requests_per_connection, "requests_per_connection", "Requests sent on one connection before it is closed.")
        .at_least(1)
        .zero("no limit");
    f(&S::max_age, "max_age", "Connections older than this are not used again.")
        .range(100ms, 24h * 365)
        .zero("no limit");
  }
};
static_assert(settings::complete<PoolSettings>());

struct QueueSettings {
  std::uint32_t length = 1024;
  Milliseconds timeout = 5s;

  static constexpr std::string_view about =
      "Requests that wait for a limit on connections or requests to let them through, in the order they came. What "
      "finds the queue full, or waits too long, is answered with 503. Each worker has its own.";
  static constexpr void describe(auto& f) {
    using S = QueueSettings;
    f(&S::length, "length", "Requests that may wait.").range(1, 1'000'000).zero("nobody waits");
    f(&S::timeout, "timeout", "Longest wait.").range(1ms, 1h);
  }
};
static_assert(settings::complete<QueueSettings>());

/// Times and pool of connections to origins; the same for an upstream (reverse) and for `forward`.
struct OffRampSettings {
  Milliseconds connect_timeout = 5s;
  Milliseconds connect_total_timeout = 15s;
  Milliseconds first_byte_timeout = 60s;
  Milliseconds idle_timeout = 60s;
  Milliseconds write_timeout = 30s;
  std::vector<std::string> source_addresses;
  PoolSettings pool;
  QueueSettings queue;

  static constexpr std::string_view about = "Connections to the origins that clients name in forward mode.";
  static constexpr void describe(auto& f) {
    using S = OffRampSettings;
    f(&S::connect_timeout, "connect_timeout",
      "Time to connect to one address. The next address is not held up by it: it is tried 250 ms after the one before, "
      "and the first that connects is taken (RFC 8305).")
        .range(10ms, 1h);
    f(&S::connect_total_timeout, "connect_total_timeout",
      "Time to connect to one server: the name look-up and the attempts at all its addresses; then 504, or the next "
      "server of the upstream.")
        .range(10ms, 1h);
    f(&S::first_byte_timeout, "first_byte_timeout",
      "From the end of the request to the first byte of the response; then 504.")
        .range(10ms, 24h);
    f(&S::idle_timeout, "idle_timeout", "Longest pause between two reads of a response body.").range(10ms, 24h);
    f(&S::write_timeout, "write_timeout", "Longest time without progress while the origin takes a request.")
        .range(10ms, 24h);
    f(&S::source_addresses, "source_addresses",
      "Addresses of this machine that connections to origins come from, in turn. An origin's address of a family that "
      "has none here is not tried. An empty list: the kernel chooses.")
        .check(kIp);
    f(&S::pool, "pool", "");
    f(&S::queue, "queue", "");
  }
};
static_assert(settings::complete<OffRampSettings>());

struct EgressSettings {
  std::vector<std::string> allow;
  std::vector<std::string> deny;
  bool allow_private = false;

  static constexpr std::string_view about =
      "Which addresses forward traffic may reach. Asked about the address really connected to, after the name look-up. "
      "In order: `deny` refuses, `allow` permits, then the addresses that are nobody's business outside (private, "
      "loopback, link-local, multicast, shared, reserved, cloud metadata) are refused, and the rest is permitted. "
      "Reverse traffic goes to the servers written in `upstreams` and is not asked about.";
  static constexpr void describe(auto& f) {
    using S = EgressSettings;
    f(&S::allow, "allow", "Networks permitted although they are private, such as \"10.1.0.0/16\".").check(kNetwork);
    f(&S::deny, "deny", "Networks refused, whatever else is said.").check(kNetwork);
    f(&S::allow_private, "allow_private",
      "Permit private and loopback addresses as a whole (RFC 1918, RFC 4193, 127.0.0.0/8, ::1). Link-local, metadata "
      "and "
      "multicast addresses stay refused.");
  }
};
static_assert(settings::complete<EgressSettings>());

struct ResolverSettings {
  std::vector<std::string> servers;
  bool rotate = false;
  Milliseconds timeout = 2s;
  std::uint32_t attempts = 2;
  std::uint32_t cache_entries = 10'000;
  Milliseconds min_ttl = 0ms;
  Milliseconds max_ttl = 1h;
  Milliseconds negative_ttl = 10s;
  std::map<std::string, std::vector<std::string>> hosts;

  static constexpr std::string_view about = "How names of origins become addresses.";
  static constexpr void describe(auto& f) {
    using S = ResolverSettings;
    f(&S::servers, "servers",
      "DNS servers (\"192.0.2.53\", \"192.0.2.53:5353\", \"[2001:db8::53]:53\"). An empty list: those of "
      "/etc/resolv.conf.")
        .check(kResolver);
    f(&S::rotate, "rotate",
      "Begin with another server at each question, which spreads the load. Otherwise the first is asked, and the "
      "others "
      "when it fails or stays silent.");
    f(&S::timeout, "timeout", "Time for one attempt at one server; twice that in the second round, and so on.")
        .range(10ms, 1min);
    f(&S::attempts, "attempts", "Attempts at each server.").range(1, 10);
    f(&S::cache_entries, "cache_entries", "Names remembered by each worker; the least recently used one goes first.")
        .range(1, 10'000'000)
        .zero("no cache");
    f(&S::min_ttl, "min_ttl", "Answers are remembered at least this long, whatever their TTL says.")
        .range(1ms, 24h)
        .zero("TTL decides");
    f(&S::max_ttl, "max_ttl", "Answers are remembered at most this long.")
        .range(1ms, 24h * 7)
        .zero("no answer is remembered");
    f(&S::negative_ttl, "negative_ttl", "How long it is remembered that a name does not exist.")
        .range(1ms, 1h)
        .zero("not at all");
    f(&S::hosts, "hosts", "Names answered from here without asking anybody, such as  origin.internal: [\"10.0.0.7\"].")
        .check(kIp)
        .key_check(kHostName)
        .filled();
  }
};
static_assert(settings::complete<ResolverSettings>());

}  // namespace sluice::ipc
