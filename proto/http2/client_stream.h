// ClientStream: one request and its answer on an HTTP/2 connection to an origin, as the session and whoever asks see
// it. The mirror of Stream, which is a client's (stream.h).
//
// Heads of answers are read straight into the one that the asker waits with; those that come before it waits are kept,
// few of them. Bytes of the body wait in one of two buffers, so that those which have been handed out stay where they
// are while more arrive; the stream's window bounds how many. Owned by the asker, which says ClientSession::drop()
// before it goes.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "proto/http/fault.h"
#include "proto/http/fields.h"
#include "proto/http/head.h"
#include "proto/http2/stream.h"

namespace sluice::http2 {

class ClientSession;

class ClientStream {
 public:
  ClientStream() = default;
  ClientStream(ClientStream&&) = delete;
  virtual ~ClientStream() = default;

  // what the origin has sent
  /// The next head, interim ones too; false when it has not come, and then it is read into `into` when it does.
  /// Lifetime: `into` until this returns true, forget_head() or drop().
  [[nodiscard]] bool take_head(http::ResponseHead& into);
  void forget_head();
  /// What is wrong with the answer's head.
  [[nodiscard]] std::optional<http::Fault> fault() const { return fault_; }
  /// Frames of an answer have come: the origin has looked at the request.
  [[nodiscard]] bool answering() const { return answering_; }
  /// The origin has ended its direction: nothing follows what waits.
  [[nodiscard]] bool ended() const { return ended_; }
  /// Bytes of the body wait.
  [[nodiscard]] bool has_body() const { return !in_[handed_ ^ 1U].empty(); }
  /// Takes what waits; good until release_body().
  [[nodiscard]] std::string_view take_body();
  /// What was taken is done with: the origin gets the credit for it back. True when there was something.
  bool release_body();
  /// Null when there are none (yet).
  [[nodiscard]] const http::Fields* trailers() const {
    return trailers_ != nullptr && !trailers_->empty() ? trailers_.get() : nullptr;
  }

  // what it gets
  /// Everything that was offered has been put into frames.
  [[nodiscard]] bool taken() const { return piece_.empty() && !owes_ && !owes_end_; }
  /// The end of the request is in frames.
  [[nodiscard]] bool finished() const { return finished_; }
  /// The request's head has been put into a frame: the origin may have seen it.
  [[nodiscard]] bool head_sent() const { return head_sent_; }
  /// Bytes of frames so far.
  [[nodiscard]] std::uint64_t sent() const { return sent_; }

  /// It is over, for both directions. `error` is what it was reset with.
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] ErrorCode error() const { return error_; }
  /// The origin broke the rules of HTTP on this stream.
  [[nodiscard]] bool malformed() const { return malformed_; }

 protected:
  /// One of these facts has changed: note it, call nobody.
  virtual void changed() {}

 private:
  friend class ClientSession;
  friend struct ClientCallbacks;
  void begin_head();
  void end_head(bool last);

  ClientSession* session_ = nullptr;
  std::int32_t id_ = 0;
  std::size_t index_ = 0;  // among the session's streams

  http::ResponseHead* into_ = nullptr;      // where the asker waits for the next head
  http::ResponseHead* building_ = nullptr;  // the one under way; null: it is dropped
  bool built_ = false;                      // *into_ is whole
  std::vector<std::unique_ptr<http::ResponseHead>> early_;
  std::size_t whole_ = 0;  // of early_
  std::uint32_t status_ = 0;
  std::size_t head_bytes_ = 0;
  std::uint32_t head_fields_ = 0;
  std::optional<http::Fault> fault_;
  std::unique_ptr<http::Fields> trailers_;
  std::array<Buffer, 2> in_;
  unsigned handed_ = 0;  // which of them has been handed out

  std::string_view piece_;  // offered, and not yet in frames
  const http::Fields* offered_trailers_ = nullptr;
  std::uint64_t sent_ = 0;
  bool last_piece_ = false;
  bool owes_ = false;      // a head, or trailers, have been submitted and not sent
  bool owes_end_ = false;  // so has an end without bytes
  bool deferred_ = false;  // nghttp2 waits for a piece
  bool head_sent_ = false;
  bool finished_ = false;

  bool answering_ = false;
  bool final_ = false;  // the final head is whole: what comes now are trailers
  bool ended_ = false;
  bool closed_ = false;
  bool malformed_ = false;
  ErrorCode error_ = ErrorCode::kNoError;
};

}  // namespace sluice::http2
