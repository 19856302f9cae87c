// Settings of HTTP/2 from clients: which versions an endpoint speaks, and how much of a connection one client may have.
#pragma once
#include <array>
#include <cstdint>

#include "base/settings/describe.h"
#include "ipc/settings/checks.h"

namespace sluice::ipc {

enum class HttpVersion : std::uint8_t { kHttp1, kHttp2 };
constexpr auto choices(HttpVersion) {
  using settings::Choice;
  return std::array{
      Choice{HttpVersion::kHttp1, "http/1.1", "HTTP/1.1, and 1.0"},
      Choice{HttpVersion::kHttp2, "h2", "HTTP/2"},
  };
}

struct Http2Settings {
  std::uint32_t streams = 128;
  Size stream_window = Size::kib(64);
  Size connection_window = Size::kib(256);

  static constexpr std::string_view about =
      "HTTP/2 from clients. The limits of `http` hold for each request; those on floods of frames are fixed "
      "(docs/http2.md).";
  static constexpr void describe(auto& f) {
    using S = Http2Settings;
    f(&S::streams, "streams", "Requests that a client may have open on one connection at the same time.")
        .range(1, 10'000);
    f(&S::stream_window, "stream_window",
      "Bytes of one request's body that may wait for the origin. A larger one makes a fast upload from far away faster "
      "and costs memory when the origin is slow.")
        .range(Size::kib(16), Size::mib(16));
    f(&S::connection_window, "connection_window", "The same for all requests of a connection together.")
        .range(Size::kib(64), Size::mib(64));
  }
};
static_assert(settings::complete<Http2Settings>());

}  // namespace sluice::ipc
