// Settings of an upstream: a group of origin servers, and how requests are spread over them.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ipc/settings/health.h"
#include "ipc/settings/off_ramp.h"
#include "ipc/settings/upstream_http.h"
#include "ipc/settings/upstream_tls.h"

namespace sluice::ipc {

enum class HostHeader : std::uint8_t { kPreserve, kServer };
constexpr auto choices(HostHeader) {
  using settings::Choice;
  return std::array{Choice{HostHeader::kPreserve, "preserve", "the Host that the client sent"},
                    Choice{HostHeader::kServer, "server", "the server as it is written in `servers`"}};
}

enum class Balance : std::uint8_t { kRoundRobin, kLeastRequests, kTwoRandom, kHash };
constexpr auto choices(Balance) {
  using settings::Choice;
  return std::array{
      Choice{Balance::kRoundRobin, "round_robin", "in turn, by weight"},
      Choice{Balance::kLeastRequests, "least_requests", "the one with the fewest requests under way for its weight"},
      Choice{Balance::kTwoRandom, "two_random",
             "the less busy of two random ones: the better choice with many workers, or many servers"},
      Choice{Balance::kHash, "hash", "requests that have the same in `hash` go to the same server"}};
}

enum class HashBy : std::uint8_t { kSource, kHeader, kCookie, kPath };
constexpr auto choices(HashBy) {
  using settings::Choice;
  return std::array{Choice{HashBy::kSource, "source", "the client's address, without its port"},
                    Choice{HashBy::kHeader, "header", "the value of the header field `name`"},
                    Choice{HashBy::kCookie, "cookie", "the value of the cookie `name`"},
                    Choice{HashBy::kPath, "path", "the path, without the query"}};
}

struct HashSettings {
  HashBy by = HashBy::kSource;
  std::string name;

  static constexpr std::string_view about =
      "What holds requests together with \"balance: hash\". When a server leaves, only its own share moves; while it "
      "is "
      "full, its requests go to the next one on the ring. Requests that do not have it are served in turn.";
  static constexpr void describe(auto& f) {
    using S = HashSettings;
    f(&S::by, "by", "What is hashed.");
    f(&S::name, "name", "Name of the header field or cookie.").check(kToken);
  }
};
static_assert(settings::complete<HashSettings>());

enum class ServerState : std::uint8_t { kActive, kDrain };
constexpr auto choices(ServerState) {
  using settings::Choice;
  return std::array{Choice{ServerState::kActive, "active", "gets requests"},
                    Choice{ServerState::kDrain, "drain", "gets no new ones: it is about to go, or not there yet"}};
}

struct ServerSettings {
  std::uint32_t weight = 1;
  ServerState state = ServerState::kActive;

  static constexpr std::string_view about = "One server, by what is written in `servers`.";
  static constexpr void describe(auto& f) {
    using S = ServerSettings;
    f(&S::weight, "weight", "Share of the requests, compared with the other servers.").range(1, 1000);
    f(&S::state, "state", "Whether it is used.");
  }
};
static_assert(settings::complete<ServerSettings>());

enum class SendProxy : std::uint8_t { kOff, kV1, kV2 };
constexpr auto choices(SendProxy) {
  using settings::Choice;
  return std::array{Choice{SendProxy::kOff, "off", "no header"}, Choice{SendProxy::kV1, "v1", "a line of text"},
                    Choice{SendProxy::kV2, "v2", "the binary form"}};
}

struct UpstreamSettings {
  std::string name;
  std::vector<std::string> servers;
  std::map<std::string, ServerSettings> server_options;
  HostHeader host_header = HostHeader::kPreserve;
  SendProxy send_proxy = SendProxy::kOff;
  UpstreamTlsSettings tls;
  UpstreamHttpSettings http;
  Balance balance = Balance::kRoundRobin;
  HashSettings hash;
  std::uint32_t max_requests = 0;
  std::uint32_t max_connections = 0;
  HealthSettings health;
  CircuitSettings circuit;
  RetrySettings retry;
  OffRampSettings off_ramp;

  static constexpr std::string_view about = "A group of origin servers that serve the same things.";
  static constexpr void describe(auto& f) {
    using S = UpstreamSettings;
    f(&S::name, "name", "Name that routes refer to, unique in the tenant.").check(kName).filled();
    f(&S::servers, "servers", "\"HOST:PORT\", HOST being a name or an address (IPv6 in brackets).")
        .check(kServer)
        .filled();
    f(&S::server_options, "server_options",
      "What is different for some of the servers, such as  \"10.0.0.7:80\": {weight: 3}.")
        .key_check(kServer);
    f(&S::host_header, "host_header", "The Host field of the request to the origin.");
    f(&S::send_proxy, "send_proxy",
      "Begin each connection to a server with a PROXY protocol header that tells the client's address. Such a "
      "connection carries one request: the next one may be of another client.");
    f(&S::tls, "tls", "");
    f(&S::http, "http", "");
    f(&S::balance, "balance", "Which server gets a request.");
    f(&S::hash, "hash", "");
    f(&S::max_requests, "max_requests", "Requests to all servers together at a time, tunnels included, of each worker.")
        .range(1, 1 << 20)
        .zero("no limit");
    f(&S::max_connections, "max_connections",
      "Connections to all servers together at a time, of each worker; idle ones are closed to make room.")
        .range(1, 1 << 20)
        .zero("no limit");
    f(&S::health, "health", "");
    f(&S::circuit, "circuit", "");
    f(&S::retry, "retry", "");
    f.group(&S::off_ramp);
  }
};
static_assert(settings::complete<UpstreamSettings>());

}  // namespace sluice::ipc
