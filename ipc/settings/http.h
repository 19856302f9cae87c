// Settings of what an endpoint does with HTTP: limits and times of the on-ramp, tunnels, CONNECT.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/settings/describe.h"
#include "ipc/settings/checks.h"
#include "ipc/settings/http2.h"

namespace sluice::ipc {

using namespace std::chrono_literals;

enum class ProxyStatusDetail : std::uint8_t { kOff, kBrief, kFull };
constexpr auto choices(ProxyStatusDetail) {
  using settings::Choice;
  return std::array{
      Choice{ProxyStatusDetail::kOff, "off", "no such field"},
      Choice{ProxyStatusDetail::kBrief, "brief", "our name, the type of the error, the status that the origin sent"},
      Choice{
          ProxyStatusDetail::kFull, "full",
          "also the address of the origin and a sentence about what happened, which tell a client what is behind us"},
  };
}

struct HttpSettings {
  std::vector<HttpVersion> versions = {HttpVersion::kHttp1, HttpVersion::kHttp2};
  Http2Settings http2;
  Size request_line_limit = Size::kib(8);
  Size head_limit = Size::kib(32);
  std::uint32_t field_limit = 100;
  Size body_limit;
  Size chunk_extension_limit = Size::kib(4);
  Size trailer_limit = Size::kib(8);
  Milliseconds head_timeout = 10s;
  Milliseconds body_timeout = 30s;
  Milliseconds keepalive_timeout = 60s;
  Size body_min_rate = Size(100);
  Milliseconds write_timeout = 30s;
  Size write_min_rate = Size(100);
  Milliseconds request_timeout = 0ms;
  std::uint64_t requests_per_connection = 0;
  std::uint32_t pipelined_requests = 100;
  std::string via = "auto";
  ProxyStatusDetail proxy_status = ProxyStatusDetail::kBrief;
  Milliseconds slow_request = 0ms;

  static constexpr std::string_view about =
      "Limits and times for HTTP from clients. What is over a limit is refused, never cut off.";
  static constexpr void describe(auto& f) {
    using S = HttpSettings;
    f(&S::versions, "versions",
      "Versions that clients may use. HTTP/2 without TLS is for clients that know of it beforehand (\"prior "
      "knowledge\"): it is recognised by the first bytes of a connection; nothing is ever upgraded to it. A request of "
      "a version that is not in the list is answered with 505.")
        .filled();
    f(&S::http2, "http2", "");
    f(&S::request_line_limit, "request_line_limit",
      "Longest request line (method, target, version) from a client; longer ones are answered with 414.")
        .range(Size(256), Size::kib(64));
    f(&S::head_limit, "head_limit",
      "Largest request head (request line and all fields) from a client; larger ones are answered with 431. Holds for "
      "response heads from the origin too, where too large a head is answered with 502.")
        .range(Size::kib(1), Size::mib(1));
    f(&S::field_limit, "field_limit", "Most header fields in one head; more are answered with 431.").range(1, 10'000);
    f(&S::body_limit, "body_limit", "Largest request body; larger ones are answered with 413.")
        .at_least(Size(1))
        .zero("no limit");
    f(&S::chunk_extension_limit, "chunk_extension_limit",
      "Most bytes of chunk extensions in one message. They are never passed on; without a limit they are work for "
      "nothing.")
        .range(Size(0), Size::mib(1));
    f(&S::trailer_limit, "trailer_limit", "Largest trailer section of one message.").range(Size(0), Size::mib(1));
    f(&S::head_timeout, "head_timeout",
      "Time for a request head to arrive, counted from its first byte (from the accept for the first request); "
      "answered "
      "with 408.")
        .range(100ms, 1h);
    f(&S::body_timeout, "body_timeout",
      "Longest pause while a request body arrives; answered with 408. It is the pause that counts, not the whole "
      "upload.")
        .range(100ms, 24h);
    f(&S::body_min_rate, "body_min_rate",
      "Fewest bytes a second of a request body, on average over the time that we wait for it, once that is longer than "
      "`body_timeout`; answered with 408. So a byte now and then does not hold a connection.")
        .at_least(Size(1))
        .zero("no minimum");
    f(&S::keepalive_timeout, "keepalive_timeout", "How long a connection may be idle between two requests.")
        .range(100ms, 24h);
    f(&S::write_timeout, "write_timeout", "Longest time without progress while a client takes its response.")
        .range(100ms, 24h);
    f(&S::write_min_rate, "write_min_rate",
      "Fewest bytes a second that a client takes of its response, on average over the time that we wait for it, once "
      "that is longer than `write_timeout`. The connection of a slower one is reset.")
        .at_least(Size(1))
        .zero("no minimum");
    f(&S::request_timeout, "request_timeout",
      "Longest time from the first byte of a request to the last of its answer; then 504, or the answer is cut. "
      "Tunnels "
      "have times of their own.")
        .range(100ms, 24h)
        .zero("no limit");
    f(&S::requests_per_connection, "requests_per_connection",
      "Requests served on one connection; the last response says \"Connection: close\".")
        .at_least(1)
        .zero("no limit");
    f(&S::pipelined_requests, "pipelined_requests",
      "Requests that a client may send ahead, before it has the answer to the first: so many of what has arrived "
      "together are served, one after the other, and the last answer says \"Connection: close\".")
        .range(1, 10'000);
    f(&S::via, "via",
      "Our pseudonym in the Via field of what we pass on (RFC 9110 section 7.6.3) and in Proxy-Status. A request that "
      "already has it has been here before and is answered with 508, so two proxies in one chain need two names; "
      "\"auto\" is \"sluice-\" and eight digits that are this endpoint's own and new at each start. Empty: no Via "
      "field and no detection of loops.")
        .check(kToken);
    f(&S::proxy_status, "proxy_status",
      "What errors that we answer ourselves say in the field Proxy-Status (RFC 9209).");
    f(&S::slow_request, "slow_request",
      "Log a request that takes this long, from its first byte to the end of its answer, as \"slow request\", with the "
      "time that each phase took.")
        .range(1ms, 24h)
        .zero("none");
  }
};
static_assert(settings::complete<HttpSettings>());

struct TunnelSettings {
  Milliseconds idle_timeout = 1h;
  Milliseconds half_close_timeout = 60s;
  Milliseconds total_timeout = 0ms;

  static constexpr std::string_view about =
      "Times for tunnels: CONNECT, and connections that were upgraded (WebSocket).";
  static constexpr void describe(auto& f) {
    using S = TunnelSettings;
    f(&S::idle_timeout, "idle_timeout", "Close a tunnel in which no byte moved, in either direction, for this long.")
        .range(100ms, 24h * 30)
        .zero("never");
    f(&S::half_close_timeout, "half_close_timeout",
      "When one side has ended its direction: close after this long without a byte in the other direction.")
        .range(100ms, 24h * 30)
        .zero("never");
    f(&S::total_timeout, "total_timeout", "Close a tunnel after this long, busy or not.")
        .range(1s, 24h * 365)
        .zero("no limit");
  }
};
static_assert(settings::complete<TunnelSettings>());

struct ConnectSettings {
  bool enabled = true;
  std::vector<std::uint16_t> ports = {443};

  static constexpr std::string_view about = "CONNECT in forward mode (RFC 9110 section 9.3.6).";
  static constexpr void describe(auto& f) {
    using S = ConnectSettings;
    f(&S::enabled, "enabled", "Serve CONNECT. Otherwise it is answered with 405.");
    f(&S::ports, "ports", "Ports that CONNECT may reach; an empty list means every port.").range(1, 65535);
  }
};
static_assert(settings::complete<ConnectSettings>());

}  // namespace sluice::ipc
