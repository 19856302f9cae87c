// Settings of HTTP towards the servers of an upstream: which versions, and how HTTP/2 connections are shared.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/settings/describe.h"
#include "ipc/settings/checks.h"
#include "ipc/settings/http2.h"

namespace sluice::ipc {

using namespace std::chrono_literals;

struct UpstreamHttpSettings {
  std::vector<HttpVersion> versions = {HttpVersion::kHttp1};
  std::uint32_t streams = 100;
  Size stream_window = Size::kib(64);
  Milliseconds ping_interval = 15s;
  Milliseconds ping_timeout = 5s;
  bool operator==(const UpstreamHttpSettings&) const = default;

  [[nodiscard]] bool speaks(HttpVersion version) const {
    return std::ranges::find(versions, version) != versions.end();
  }

  static constexpr std::string_view about =
      "HTTP towards the servers. Over HTTP/2 many requests share a connection; another one is made when all are full.";
  static constexpr void describe(auto& f) {
    using S = UpstreamHttpSettings;
    f(&S::versions, "versions",
      "Versions that are spoken. With TLS the server chooses among them (ALPN) and the first is liked best; without, "
      "there can be only one, which the server must speak from the first byte on.")
        .filled();
    f(&S::streams, "streams", "Requests on one HTTP/2 connection at the same time; the server may allow fewer.")
        .range(1, 10'000);
    f(&S::stream_window, "stream_window",
      "Bytes of one response's body that may wait for its client, over HTTP/2. A larger one makes transfers from far "
      "away faster.")
        .range(Size::kib(16), Size::mib(16));
    f(&S::ping_interval, "ping_interval",
      "When an HTTP/2 connection with requests under way has been silent for so long, it is asked for a sign of life.")
        .range(100ms, 1h)
        .zero("never");
    f(&S::ping_timeout, "ping_timeout", "… which must come within this time; otherwise the connection is closed.")
        .range(10ms, 1h);
  }
};
static_assert(settings::complete<UpstreamHttpSettings>());

}  // namespace sluice::ipc
