// See frame_watch.h. Frame layout and types: RFC 9113 sections 4.1 and 6.
#include "proto/http2/frame_watch.h"

#include <algorithm>
#include <utility>

namespace sluice::http2 {
namespace {

enum Type : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kReset = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
  kPriorityUpdate = 16,
};
constexpr std::uint8_t kEndStream = 1;
constexpr std::uint8_t kAck = 1;
constexpr std::uint8_t kEndHeaders = 4;
constexpr std::uint8_t kPadded = 8;
// A client that cannot put its fields into one frame fills all but the last.
constexpr std::uint32_t kSmall = 1024;

}  // namespace

std::optional<Flood> FrameWatch::pass(std::string_view bytes, FloodGuard& guard, Nanos now) {
  const std::size_t preface = std::min(preface_left_, bytes.size());
  preface_left_ -= preface;
  bytes.remove_prefix(preface);
  while (!bytes.empty()) {
    if (left_ != 0) {
      // nothing but padding is as empty as nothing; its length is the payload's first byte
      if (std::exchange(looks_at_padding_, false) && static_cast<std::uint8_t>(bytes.front()) + 1U == left_ &&
          !guard.allows(Flood::kEmptyFrames, now))
        return Flood::kEmptyFrames;
      const std::size_t skipped = std::min<std::size_t>(left_, bytes.size());
      left_ -= static_cast<std::uint32_t>(skipped);
      if (header_[3] == kData) data_bytes_ += skipped;
      bytes.remove_prefix(skipped);
      if (left_ == 0) end_frame();
      continue;
    }
    const std::size_t taken = std::min(kHeader - have_, bytes.size());
    std::copy_n(bytes.begin(), taken, header_.begin() + have_);
    have_ += taken;
    bytes.remove_prefix(taken);
    if (have_ < kHeader) break;
    have_ = 0;
    left_ = (std::uint32_t{header_[0]} << 16U) | (std::uint32_t{header_[1]} << 8U) | header_[2];
    if (const std::optional<Flood> flood = frame(guard, now)) return flood;
    if (left_ == 0) end_frame();
  }
  return std::nullopt;
}

// The block of fields ends with the last byte of its last frame.
void FrameWatch::end_frame() {
  if (ends_block_) in_block_ = ends_block_ = false;
}

// The frame whose header has come whole.
std::optional<Flood> FrameWatch::frame(FloodGuard& guard, Nanos now) {
  const std::uint8_t flags = header_[4];
  const auto count = [&](Flood flood) -> std::optional<Flood> {
    if (guard.allows(flood, now)) return std::nullopt;
    return flood;
  };
  switch (header_[3]) {
    case kData:
      looks_at_padding_ = left_ != 0 && (flags & kEndStream) == 0 && (flags & kPadded) != 0;
      return left_ == 0 && (flags & kEndStream) == 0 ? count(Flood::kEmptyFrames) : std::nullopt;
    case kHeaders:
      in_block_ = true;
      ends_block_ = (flags & kEndHeaders) != 0;
      block_bytes_ = left_;
      block_frames_ = 0;
      return !ends_block_ && left_ < kSmall ? count(Flood::kContinuations) : std::nullopt;
    case kContinuation:
      ends_block_ = (flags & kEndHeaders) != 0;
      return continuation(left_, guard, now);
    case kPriority:
    case kPriorityUpdate:
      return count(Flood::kPriorities);
    case kReset:
      return count(Flood::kResets);
    case kSettings:
      return (flags & kAck) == 0 ? count(Flood::kSettings) : std::nullopt;
    case kPing:
      return count(Flood::kPings);
    case kWindowUpdate:
      return count(Flood::kWindows);
    case kPushPromise:
      return std::nullopt;  // a mistake, not a flood
    case kGoAway:
    default:
      return count(Flood::kUnknown);
  }
}

std::optional<Flood> FrameWatch::continuation(std::uint32_t length, FloodGuard& guard, Nanos now) {
  block_bytes_ += length;
  ++block_frames_;
  if (block_bytes_ > limits_.bytes || block_frames_ > limits_.continuations) return Flood::kContinuations;
  if (length < kSmall && !guard.allows(Flood::kContinuations, now)) return Flood::kContinuations;
  return std::nullopt;
}

}  // namespace sluice::http2
