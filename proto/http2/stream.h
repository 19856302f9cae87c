// Stream: one request and its answer on an HTTP/2 connection, as the session and whoever serves it see it. The session
// writes down what the client sends and takes what is to be sent; who serves derives from it to hear of changes.
//
// Bytes of a body wait in one of two buffers, so that those which have been handed out stay where they are while more
// arrive. How many may wait is bounded by the stream's window: credit goes back to the client only for what has been
// consumed. Owned by the session until it is dropped; a resource.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/buffer.h"
#include "proto/http/fault.h"
#include "proto/http/fields.h"
#include "proto/http/head.h"
#include "proto/http1/framing.h"
#include "proto/http2/request_reader.h"

namespace sluice::http2 {

class ServerSession;

/// RFC 9113 section 7.
enum class ErrorCode : std::uint32_t {
  kNoError = 0,
  kProtocolError = 1,
  kInternalError = 2,
  kFlowControlError = 3,
  kSettingsTimeout = 4,
  kStreamClosed = 5,
  kFrameSizeError = 6,
  kRefusedStream = 7,
  kCancel = 8,
  kCompressionError = 9,
  kConnectError = 10,
  kEnhanceYourCalm = 11,
};
/// "PROTOCOL_ERROR"; "unknown" for a code that RFC 9113 does not have.
[[nodiscard]] std::string_view name(ErrorCode code);

enum class Last : std::uint8_t { kNo, kYes };

class Stream {
 public:
  Stream() = default;
  Stream(Stream&&) = delete;
  virtual ~Stream() = default;

  [[nodiscard]] std::int32_t id() const { return id_; }

  // what the client has sent
  [[nodiscard]] http::RequestHead& head() { return head_; }
  /// What is wrong with the request, when it is to be answered with that.
  [[nodiscard]] std::optional<http::Fault> fault() const { return fault_; }
  /// Bytes of the request's fields, about as many as they would be in HTTP/1.
  [[nodiscard]] std::size_t head_bytes() const { return reader_.bytes(); }
  /// How an HTTP/1 message would delimit the body.
  [[nodiscard]] const http1::Framing& framing() const { return framing_; }
  /// Of an extended CONNECT (RFC 8441); empty otherwise.
  [[nodiscard]] std::string_view protocol() const { return reader_.protocol(); }
  /// The client has ended its direction: nothing follows what waits.
  [[nodiscard]] bool ended() const { return ended_; }
  /// Bytes of the body wait.
  [[nodiscard]] bool has_body() const { return !filling().empty(); }
  /// Takes what waits; good until release_body().
  [[nodiscard]] std::string_view take_body();
  /// What was taken is done with: the client gets the credit for it back. True when there was something.
  bool release_body();
  /// Null when there are none (yet).
  [[nodiscard]] const http::Fields* trailers() const {
    return trailers_ != nullptr && !trailers_->empty() ? trailers_.get() : nullptr;
  }

  // what it gets
  /// Everything that was offered has been put into frames.
  [[nodiscard]] bool taken() const { return piece_.empty() && !owes_ && !owes_end_; }
  /// The end of the answer is in frames, or will be whatever comes.
  [[nodiscard]] bool finished() const { return finished_; }
  /// Bytes of frames so far.
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  /// Bytes of DATA of them.
  [[nodiscard]] std::uint64_t data_sent() const { return data_sent_; }

  /// It is over, for both directions. `error` is what it was reset with.
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] ErrorCode error() const { return error_; }

 protected:
  /// One of these facts has changed: note it, call nobody.
  virtual void changed() {}

 private:
  friend class ServerSession;
  friend struct Callbacks;
  [[nodiscard]] Buffer& filling() { return in_[handed_ ^ 1U]; }
  [[nodiscard]] const Buffer& filling() const { return in_[handed_ ^ 1U]; }

  ServerSession* session_ = nullptr;
  std::int32_t id_ = 0;
  std::size_t index_ = 0;  // among the session's streams
  http::RequestHead head_;
  RequestReader reader_;
  std::optional<http::Fault> fault_;
  http1::Framing framing_;
  std::unique_ptr<http::Fields> trailers_;
  std::array<Buffer, 2> in_;
  unsigned handed_ = 0;  // which of them has been handed out

  std::string_view piece_;  // offered, and not yet in frames
  const http::Fields* offered_trailers_ = nullptr;
  std::uint64_t sent_ = 0;
  std::uint64_t data_sent_ = 0;
  bool last_piece_ = false;
  bool owes_ = false;      // a head, or trailers, have been submitted and not sent
  bool owes_end_ = false;  // so has an end without bytes
  bool deferred_ = false;  // nghttp2 waits for a piece
  bool finished_ = false;  // the end of the answer is on its way
  bool tunnel_ = false;

  bool arrived_ = false;    // all fields of the request are there
  bool announced_ = false;  // who serves may know it
  bool ended_ = false;
  bool closed_ = false;
  ErrorCode error_ = ErrorCode::kNoError;
};

}  // namespace sluice::http2
