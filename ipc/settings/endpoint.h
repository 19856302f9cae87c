// Settings of an endpoint: a place where clients reach a tenant.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/settings/document.h"
#include "ipc/settings/endpoint_tls.h"
#include "ipc/settings/error_page.h"
#include "ipc/settings/forwarded.h"
#include "ipc/settings/http.h"
#include "ipc/settings/proxy_auth.h"
#include "ipc/settings/route.h"
#include "ipc/settings/udp.h"

namespace sluice::ipc {

enum class Mode : std::uint8_t { kReverse, kForward, kEcho };
constexpr auto choices(Mode) {
  using settings::Choice;
  return std::array{
      Choice{Mode::kReverse, "reverse",
             "clients take us for the origin; `routes` says which upstream serves a request"},
      Choice{Mode::kForward, "forward",
             "clients know that we are a proxy and name the origin; `egress` says which are allowed"},
      Choice{Mode::kEcho, "echo", "datagrams come back; with `protocol: udp`"},
  };
}

struct ProxyProtocolSettings {
  bool enabled = false;
  std::vector<std::string> trusted;
  Milliseconds timeout = 3s;

  static constexpr std::string_view about =
      "Connections come through a load balancer that says in front of each who its client is (PROXY protocol, version "
      "1 or 2). Logs, hooks, limits and what is sent on then speak of that client.";
  static constexpr void describe(auto& f) {
    using S = ProxyProtocolSettings;
    f(&S::enabled, "enabled",
      "Every connection must begin with a correct header; otherwise it is closed. Nothing is guessed.");
    f(&S::trusted, "trusted",
      "Networks of the load balancers. Connections from elsewhere are closed at once, because anybody can write such a "
      "header. UNIX sockets are trusted as they are.")
        .check(kNetwork);
    f(&S::timeout, "timeout", "Time for the header to arrive, counted from the accept; then the connection is closed.")
        .range(10ms, 1min);
  }
};
static_assert(settings::complete<ProxyProtocolSettings>());

struct EndpointSettings {
  std::string name;
  std::vector<std::string> listen;
  Protocol protocol = Protocol::kTcp;
  Mode mode = Mode::kReverse;
  std::uint32_t backlog = 4096;
  ProxyProtocolSettings proxy_protocol;
  EndpointTlsSettings tls;
  settings::Node settings = settings::Node::map();
  HttpSettings http;
  ForwardedSettings forwarded;
  ProxyAuthSettings proxy_auth;
  TunnelSettings tunnel;
  ConnectSettings connect;
  std::vector<RouteSettings> routes;
  std::vector<ErrorPageSettings> error_pages;
  UdpSettings udp;
  EchoSettings echo;

  static constexpr std::string_view about = "A place where clients reach this tenant.";
  static constexpr void describe(auto& f) {
    using S = EndpointSettings;
    f(&S::name, "name", "Name in logs and metrics, unique in the tenant.").check(kName).filled();
    f(&S::listen, "listen",
      "Addresses to listen on: \"127.0.0.1:8080\", \"[::1]:8080\" (IPv6 only), \"dual:[::]:8080\" (IPv6 and IPv4 on "
      "one "
      "socket), \"unix:/run/app.sock\". Every worker of the tenant gets its own socket for each.")
        .check(kListen)
        .filled();
    f(&S::protocol, "protocol", "What the addresses take.");
    f(&S::mode, "mode", "What clients take us for.");
    f(&S::backlog, "backlog", "Connections that the kernel keeps waiting for each socket (at most net.core.somaxconn).")
        .range(1, 1 << 20);
    f(&S::proxy_protocol, "proxy_protocol", "");
    f(&S::tls, "tls", "");
    f(&S::settings, "settings",
      "The application's own settings for this endpoint; sluice passes them on, the application checks them.");
    f(&S::http, "http", "");
    f(&S::forwarded, "forwarded", "");
    f(&S::proxy_auth, "proxy_auth", "");
    f(&S::tunnel, "tunnel", "");
    f(&S::connect, "connect", "");
    f(&S::routes, "routes", "");
    f(&S::error_pages, "error_pages", "");
    f(&S::udp, "udp", "");
    f(&S::echo, "echo", "");
  }
};
static_assert(settings::complete<EndpointSettings>());

}  // namespace sluice::ipc
