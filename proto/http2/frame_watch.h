// FrameWatch: looks at the frames of a peer as they pass, before anybody decodes them, and counts what may be a
// flood: nothing is kept but the header of the frame under way. It also knows whether a block of fields is under way,
// for the on-ramp's clock.
//
// It refuses nothing else: what a frame may look like is nghttp2's business (server_session.cc).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "proto/http2/flood.h"
#include "proto/http2/preface.h"

namespace sluice::http2 {

struct BlockLimits {
  std::uint32_t bytes = 64 * 1024;   ///< of a block of fields on the wire
  std::uint32_t continuations = 16;  ///< frames that go on with it
};

/// Whose frames are looked at. A client's begin with the preface.
enum class Sender : std::uint8_t { kClient, kServer };

class FrameWatch {
 public:
  explicit FrameWatch(const BlockLimits& limits, Sender sender = Sender::kClient)
      : limits_(limits), preface_left_(sender == Sender::kClient ? kPreface.size() : 0) {}

  /// Takes the peer's bytes in any pieces, the preface first. The flood that passed its budget, if one did; the
  /// connection is to be ended then.
  [[nodiscard]] std::optional<Flood> pass(std::string_view bytes, FloodGuard& guard, Nanos now);
  /// A block of fields has begun and not ended.
  [[nodiscard]] bool in_block() const { return in_block_; }
  /// Bytes so far that count against the windows (RFC 9113 section 6.9.1): payloads of DATA, padding too.
  [[nodiscard]] std::uint64_t data_bytes() const { return data_bytes_; }

 private:
  static constexpr std::size_t kHeader = 9;
  void end_frame();
  [[nodiscard]] std::optional<Flood> frame(FloodGuard& guard, Nanos now);
  [[nodiscard]] std::optional<Flood> continuation(std::uint32_t length, FloodGuard& guard, Nanos now);

  BlockLimits limits_;
  std::size_t preface_left_;
  std::array<std::uint8_t, kHeader> header_{};
  std::size_t have_ = 0;           // bytes of the header
  std::uint32_t left_ = 0;         // bytes of the payload to come
  std::uint32_t block_bytes_ = 0;  // of the block under way
  std::uint32_t block_frames_ = 0;
  std::uint64_t data_bytes_ = 0;
  bool looks_at_padding_ = false;  // the next byte says how much of a frame of DATA is padding
  bool in_block_ = false;
  bool ends_block_ = false;  // with the payload under way
};

}  // namespace sluice::http2
