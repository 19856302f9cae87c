// AccessRecord: the facts of one finished request or tunnel, gathered by the exchange and read by the access log and
// the metrics in the exchange's destructor. A value of views and integers: filling it copies nothing and allocates
// nothing. Endpoints and upstreams are indices, so that the metrics look nothing up; TrafficNames has the names. What
// is empty or zero is left out of the log line.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {
class Error;
}
namespace sluice::http {
class Fields;
}

namespace sluice::worker {

/// How it ended: in order, or by whom it was cut.
enum class Ended : std::uint8_t { kOk, kClient, kOrigin, kProxy, kTimeout };
[[nodiscard]] std::string_view name(Ended ended);

/// Who is to blame for an error.
[[nodiscard]] Ended ended_by(const Error& error);

/// What is handed over to a worker of another generation: a connection between two requests, a tunnel.
enum class Moving : std::uint8_t { kIdle, kTunnel };
[[nodiscard]] std::string_view name(Moving what);

/// What a hook decided. kNone: no hook looked at it. kAnswered: the hook gave the response itself.
enum class Verdict : std::uint8_t { kNone, kAllowed, kBlocked, kAnswered, kRedirected, kFailed };
[[nodiscard]] std::string_view name(Verdict verdict);

/// Index of an endpoint in the tenant's configuration.
using EndpointIndex = std::uint32_t;
/// Index of an upstream's name; kNoUpstream for what goes where the client asked (forward proxying, CONNECT) or
/// nowhere.
using UpstreamIndex = std::uint32_t;
inline constexpr UpstreamIndex kNoUpstream = UINT32_MAX;

/// Index of a route's name in its endpoint; kNoRoute in forward mode and where no route wants the request.
using RouteIndex = std::uint32_t;
inline constexpr RouteIndex kNoRoute = UINT32_MAX;

/// The names behind the indices. Endpoints are in the order of the configuration; routes and upstreams keep the index
/// that they got first for as long as the worker lives, and new ones are added behind them.
struct TrafficNames {
  std::vector<std::string> endpoints;
  std::vector<std::vector<std::string>> routes;  ///< of each endpoint; hosts and path
  std::vector<std::string> upstreams;
};

struct AccessRecord {
  enum class Kind : std::uint8_t { kRequest, kTunnel };

  Kind kind = Kind::kRequest;
  Ended ended = Ended::kOk;
  Verdict verdict = Verdict::kNone;
  bool origin_reused = false;  ///< the origin connection had carried a request before
  std::uint16_t status = 0;    ///< what the client was answered; 0 when it got no final response
  EndpointIndex endpoint = 0;
  RouteIndex route = kNoRoute;
  UpstreamIndex upstream = kNoUpstream;
  std::uint64_t connection = 0;  ///< id of the client connection, as in the connection table
  std::uint64_t request = 0;     ///< number of the request on that connection, from 1
  std::string_view client;       ///< address of the client: "192.0.2.1:40000"
  std::string_view peer;         ///< who has connected, when that is a trusted proxy and not the client
  std::string_view user;         ///< who the client has proved to be
  std::string_view origin;       ///< address really connected to; empty when none was
  std::string_view method;
  std::string_view scheme;
  std::string_view authority;
  std::string_view path;     ///< with the query, which the log leaves out if so configured
  std::string_view version;  ///< "HTTP/1.1"
  const http::Fields* request_fields = nullptr;
  const http::Fields* response_fields = nullptr;
  std::uint64_t bytes_in = 0;   ///< from the client: heads and bodies, or the tunnel's bytes from client to origin
  std::uint64_t bytes_out = 0;  ///< to the client: heads and bodies, or the tunnel's bytes from origin to client
  std::chrono::nanoseconds duration{};  ///< from the first byte of the request to the end
  std::chrono::nanoseconds
      first_byte{};                   ///< from the first byte of the request to the first byte of the answer; 0: none
  std::chrono::nanoseconds queued{};  ///< waiting for a place at the upstream, over all attempts
  std::chrono::nanoseconds dial{};    ///< name look-up and connecting, over all attempts
  const Error* error = nullptr;       ///< what cut it; null when nothing did
  std::string_view reason;            ///< of a tunnel: why it ended ("idle", "closed", …)

  /// It ended by this error, which must live as long as the record.
  void failed(const Error& why);
  /// It ended because the worker stops or the drain's time is over.
  void cancelled();
};

}  // namespace sluice::worker
