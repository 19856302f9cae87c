// Callbacks: what nghttp2 calls while it reads and writes frames for a ServerSession. Only facts are written down here.
#pragma once
#include <nghttp2/nghttp2.h>

#include "proto/http2/server_session.h"

namespace sluice::http2 {

inline constexpr std::string_view kEndPing = "sluice:e";  // eight bytes, for the ping behind the first GOAWAY

/// A line for nghttp2, which copies it.
[[nodiscard]] nghttp2_nv as_nv(std::string_view name, std::string_view value);

struct Callbacks {
  /// The table, made once.
  [[nodiscard]] static const nghttp2_session_callbacks* table();

  /// The data source of every answer.
  [[nodiscard]] static nghttp2_data_provider body();

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                    const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user);
  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int data_received(nghttp2_session* raw, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                           std::size_t size, void* user);
  static int invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int error, void* user);
  static int invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t,
                            const std::uint8_t*, std::size_t, std::uint8_t, void*);
  static int closed(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user);
  static int frame_sent(nghttp2_session* raw, const nghttp2_frame* frame, void* user);
  static int frame_not_sent(nghttp2_session* raw, const nghttp2_frame* frame, int error, void* user);
  static ssize_t frame_length(nghttp2_session*, std::uint8_t, std::int32_t, std::int32_t session_window,
                              std::int32_t stream_window, std::uint32_t largest, void* user);
  static ssize_t read_body(nghttp2_session* raw, std::int32_t id, std::uint8_t*, std::size_t length,
                           std::uint32_t* flags, nghttp2_data_source*, void* user);
  static int send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* header, std::size_t length,
                       nghttp2_data_source*, void* user);
  static int priority_updated(ServerSession& session, const nghttp2_frame& frame);
  static void request_complete(ServerSession& session, Stream& stream, const nghttp2_frame& frame);
};

}  // namespace sluice::http2
