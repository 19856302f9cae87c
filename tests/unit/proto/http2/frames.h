// Frames of HTTP/2 written by hand, for tests: a client that says exactly what it is told, right or wrong, and reads
// what comes back frame by frame. Fields are HPACK literals without indexing (RFC 7541 section 6.2.2) unless said
// otherwise.
#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "proto/http2/server_session.h"

namespace sluice::http2::test {

enum Type : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kReset = 3,
  kSettings = 4,
  kPush = 5,
  kPing = 6,
  kGoAway = 7,
  kWindow = 8,
  kContinuation = 9,
  kPriorityUpdate = 16,
};
inline constexpr std::uint8_t kEndStream = 1;
inline constexpr std::uint8_t kAck = 1;
inline constexpr std::uint8_t kEndHeaders = 4;
inline constexpr std::uint8_t kPadded = 8;

inline std::string u16(std::uint32_t value) {
  return {static_cast<char>(value >> 8U), static_cast<char>(value)};
}
inline std::string u32(std::uint32_t value) {
  return u16(value >> 16U) + u16(value & 0xffffU);
}

inline std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream, std::string_view payload) {
  std::string out = {static_cast<char>(payload.size() >> 16U)};
  out += u16(static_cast<std::uint32_t>(payload.size() & 0xffffU));
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  return out + u32(stream) + std::string(payload);
}

using Lines = std::vector<std::pair<std::string, std::string>>;

inline std::string integer(std::size_t value, unsigned prefix, std::uint8_t first) {
  const std::size_t most = (std::size_t{1} << prefix) - 1;
  if (value < most) return {static_cast<char>(first | value)};
  std::string out = {static_cast<char>(first | most)};
  for (value -= most; value >= 128; value /= 128) out += static_cast<char>(value % 128 | 128U);
  return out + static_cast<char>(value);
}
inline std::string literal(std::string_view name, std::string_view value) {
  return std::string(1, '\0') + integer(name.size(), 7, 0) + std::string(name) + integer(value.size(), 7, 0) +
         std::string(value);
}
inline std::string block(const Lines& lines) {
  std::string out;
  for (const auto& [name, value] : lines) out += literal(name, value);
  return out;
}

inline Lines get(std::string_view path = "/") {
  return {{":method", "GET"}, {":scheme", "http"}, {":path", std::string(path)}, {":authority", "a.example"}};
}
inline Lines post() {
  return {{":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a.example"}};
}
inline Lines with(Lines lines, std::initializer_list<std::pair<std::string, std::string>> more) {
  lines.insert(lines.end(), more);
  return lines;
}
inline Lines without(Lines lines, std::string_view name) {
  std::erase_if(lines, [&](const auto& line) { return line.first == name; });
  return lines;
}

inline std::string headers(std::uint32_t stream, const Lines& lines, std::uint8_t flags = kEndStream | kEndHeaders) {
  return frame(kHeaders, flags, stream, block(lines));
}
inline std::string data(std::uint32_t stream, std::string_view bytes, std::uint8_t flags = 0) {
  return frame(kData, flags, stream, bytes);
}
inline std::string settings(std::initializer_list<std::pair<std::uint32_t, std::uint32_t>> entries = {}) {
  std::string payload;
  for (const auto& [id, value] : entries) payload += u16(id) + u32(value);
  return frame(kSettings, 0, 0, payload);
}
inline std::string ping(std::string_view eight = "12345678", std::uint8_t flags = 0) {
  return frame(kPing, flags, 0, eight);
}
inline std::string reset(std::uint32_t stream, std::uint32_t code = 8) {
  return frame(kReset, 0, stream, u32(code));
}
inline std::string window(std::uint32_t stream, std::uint32_t more) {
  return frame(kWindow, 0, stream, u32(more));
}
inline std::string hello() {
  return std::string(kPreface) + settings();
}

struct Frame {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;
  std::string payload;

  [[nodiscard]] std::uint32_t number(std::size_t at) const {
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 4; ++i) value = (value << 8U) | static_cast<std::uint8_t>(payload.at(i));
    return value;
  }
};

inline std::vector<Frame> frames_of(std::string_view rest) {
  std::vector<Frame> frames;
  while (rest.size() >= 9) {
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(rest[at]); };
    const std::size_t size = (std::size_t{byte(0)} << 16U) | (std::size_t{byte(1)} << 8U) | byte(2);
    Frame one{.type = byte(3), .flags = byte(4), .stream = 0, .payload = std::string(rest.substr(9, size))};
    for (std::size_t i = 5; i < 9; ++i) one.stream = (one.stream << 8U) | byte(i);
    frames.push_back(std::move(one));
    rest.remove_prefix(9 + size);
  }
  EXPECT_TRUE(rest.empty()) << "a frame was cut";
  return frames;
}

/// A session with a client in the hands of the test.
class Conversation {
 public:
  explicit Conversation(SessionLimits limits = {}) : session(limits, [] { return std::make_unique<Stream>(); }, now) {}

  void say(std::string_view bytes) {
    session.feed(bytes, now);
    while (Stream* const stream = session.next_arrived()) arrived.push_back(stream);
    while (Stream* const stream = session.next_gone()) {
      std::erase(arrived, stream);
      gone.push_back(stream->id());
      session.drop(*stream, ErrorCode::kCancel);
    }
  }
  /// Says it byte by byte.
  void dribble(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) say(bytes.substr(i, 1));
  }
  /// All that the session wants to send now, as frames.
  std::vector<Frame> hear() {
    Buffer out;
    std::string bytes;
    while (session.fill(out, now)) {
      bytes += out.view();
      out.clear();
    }
    while (Stream* const stream = session.next_gone()) {
      std::erase(arrived, stream);
      gone.push_back(stream->id());
      session.drop(*stream, ErrorCode::kCancel);
    }
    const std::vector<Frame> frames = frames_of(bytes);
    heard.insert(heard.end(), frames.begin(), frames.end());
    return frames;
  }
  /// hear()s and gives the code of the GOAWAY, if there was one that ends the connection.
  std::optional<ErrorCode> goaway() {
    hear();
    for (const Frame& one : heard)
      if (one.type == kGoAway) return static_cast<ErrorCode>(one.number(4));
    return std::nullopt;
  }
  /// hear()s and gives the code that the stream was reset with.
  std::optional<ErrorCode> reset_of(std::uint32_t stream) {
    hear();
    for (const Frame& one : heard)
      if (one.type == kReset && one.stream == stream) return static_cast<ErrorCode>(one.number(0));
    return std::nullopt;
  }
  [[nodiscard]] Stream* find(std::int32_t id) const {
    for (Stream* const stream : arrived)
      if (stream->id() == id) return stream;
    return nullptr;
  }

  Nanos now{1};
  ServerSession session;
  std::vector<Stream*> arrived;
  std::vector<std::int32_t> gone;
  std::vector<Frame> heard;
};

inline std::ostream& operator<<(std::ostream& out, const std::optional<ErrorCode>& code) {
  return out << (code ? name(*code) : "none");
}

}  // namespace sluice::http2::test
