// Settings of endpoints that take datagrams.
#pragma once
#include <array>
#include <cstdint>

#include "base/settings/describe.h"

namespace sluice::ipc {

enum class Protocol : std::uint8_t { kTcp, kUdp };
constexpr auto choices(Protocol) {
  using settings::Choice;
  return std::array{Choice{Protocol::kTcp, "tcp", "connections (UNIX sockets too)"},
                    Choice{Protocol::kUdp, "udp", "datagrams; settings of connections and HTTP do not apply"}};
}

struct UdpSettings {
  Milliseconds idle_timeout = 60s;
  std::uint32_t flows = 65'536;
  std::uint32_t flows_per_source = 4'096;
  std::uint32_t rate = 1'000;
  std::uint32_t burst = 0;

  static constexpr std::string_view about =
      "With `protocol: udp`. A flow is what one address and port sends to one of ours; it stays with its worker until "
      "it ends, also over upgrades. A source is an IPv4 address, or an IPv6 network of 64 bits. Numbers are of each "
      "worker.";
  static constexpr void describe(auto& f) {
    using S = UdpSettings;
    f(&S::idle_timeout, "idle_timeout", "A flow ends when nothing has come for so long.").range(1s, 1h);
    f(&S::flows, "flows", "Flows at a time; datagrams of more are dropped.").range(1, 1 << 20);
    f(&S::flows_per_source, "flows_per_source", "Flows of one source at a time; datagrams of more are dropped.")
        .range(1, 1 << 20)
        .zero("no limit");
    f(&S::rate, "rate", "Datagrams a second from one source; more are dropped.").range(1, 10'000'000).zero("no limit");
    f(&S::burst, "burst", "Datagrams taken at once before the rate holds.")
        .range(1, 10'000'000)
        .zero("a second's worth");
  }
};
static_assert(settings::complete<UdpSettings>());

struct EchoSettings {
  bool tag = false;
  bool anybody = false;

  static constexpr std::string_view about =
      "With `mode: echo`: every datagram is answered with its own bytes. UDP does not prove who sends, so an echo "
      "reflects what somebody sends in another's name: it is for tests, and for machines that know each other.";
  static constexpr void describe(auto& f) {
    using S = EchoSettings;
    f(&S::tag, "tag", "Put \"GENERATION/WORKER \" before the bytes.");
    f(&S::anybody, "anybody",
      "Listen on addresses that are neither loopback nor private, or on all addresses: whoever reaches them can have "
      "us send what it likes to whom it likes, as often as udp.rate lets it.");
  }
};
static_assert(settings::complete<EchoSettings>());

}  // namespace sluice::ipc
