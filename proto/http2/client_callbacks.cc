// See client_callbacks.h.
#include "proto/http2/client_callbacks.h"

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "proto/http2/callbacks.h"

namespace sluice::http2 {
namespace {

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

ClientSession& session_of(void* user) {
  return *static_cast<ClientSession*>(user);
}

bool ends_stream(const nghttp2_frame& frame) {
  return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

constexpr std::size_t kFrameHeader = 9;
constexpr std::size_t kMostEarly = 4;  // heads that nobody has asked for yet: an origin gone mad

}  // namespace

const nghttp2_session_callbacks* ClientCallbacks::table() {
  static const nghttp2_session_callbacks* const kTable = [] {
    nghttp2_session_callbacks* made = nullptr;
    SLUICE_CHECK(nghttp2_session_callbacks_new(&made) == 0, "nghttp2 has no memory");
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, &begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(made, &header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, &frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, &data_received);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(made, &invalid_frame);
    nghttp2_session_callbacks_set_on_invalid_header_callback(made, &invalid_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, &closed);
    nghttp2_session_callbacks_set_on_frame_send_callback(made, &frame_sent);
    nghttp2_session_callbacks_set_data_source_read_length_callback(made, &frame_length);
    nghttp2_session_callbacks_set_send_data_callback(made, &send_data);
    return made;
  }();
  return kTable;
}

nghttp2_data_provider ClientCallbacks::body() {
  nghttp2_data_provider provider{};
  provider.read_callback = &read_body;
  return provider;
}

int ClientCallbacks::begin_headers(nghttp2_session* raw, const nghttp2_frame* frame, void* user) {
  ClientSession& session = session_of(user);
  session.block_bytes_ = 0;
  session.bomb_ = false;
  ClientStream* const stream = session.find(frame->hd.stream_id);
  if (stream == nullptr || stream->closed_) return 0;
  stream->answering_ = true;
  if (stream->final_) return 0;
  if (stream->early_.size() < kMostEarly) {
    stream->begin_head();
    return 0;
  }
  stream->fault_ = http::Fault::kTooManyFields;
  stream->changed();
  nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, stream->id_, NGHTTP2_ENHANCE_YOUR_CALM);
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

// As on the other side (callbacks.cc): what is over a limit is not kept, but it must be unpacked, and a block that is
// small on the wire and many times as large as any head may be is counted.
int ClientCallbacks::header(nghttp2_session* raw, const nghttp2_frame* frame, const std::uint8_t* name,
                            std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                            void* user) {
  ClientSession& session = session_of(user);
  constexpr std::size_t kOverhead = 32;  // RFC 9113 section 6.5.2
  constexpr std::uint64_t kBomb = 4;
  session.block_bytes_ += name_size + value_size + kOverhead;
  if (!session.bomb_ && session.block_bytes_ > kBomb * (session.limits_.head + 4096)) {
    session.bomb_ = true;
    if (!session.guard_.allows(Flood::kFields, session.now_)) session.noticed_ = Flood::kFields;
  }
  ClientStream* const stream = session.find(frame->hd.stream_id);
  if (stream == nullptr || stream->closed_) return 0;
  if (!stream->final_) {
    take_field(session, *stream, text(name, name_size), text(value, value_size));
    return 0;
  }
  if (stream->trailers_ == nullptr) stream->trailers_ = std::make_unique<http::Fields>();
  if (take_trailer(text(name, name_size), text(value, value_size), session.limits_.trailers,
                   session.limits_.trailer_fields, *stream->trailers_))
    return 0;
  stream->fault_ = http::Fault::kTrailersTooLarge;
  stream->changed();
  nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, stream->id_, NGHTTP2_ENHANCE_YOUR_CALM);
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

void ClientCallbacks::take_field(const ClientSession& session, ClientStream& stream, std::string_view name,
                                 std::string_view value) {
  constexpr std::size_t kLineExtra = 4;  // ": " and CRLF, were it HTTP/1: limits are the same for both
  if (stream.building_ == nullptr || stream.fault_) return;
  stream.head_bytes_ += name.size() + value.size() + kLineExtra;
  if (stream.head_bytes_ > session.limits_.head) {
    stream.fault_ = http::Fault::kHeadTooLarge;
  } else if (name == ":status") {
    for (const char digit : value) stream.status_ = stream.status_ * 10 + static_cast<std::uint32_t>(digit - '0');
  } else if (++stream.head_fields_ > session.limits_.fields) {
    stream.fault_ = http::Fault::kTooManyFields;
  } else if (!stream.building_->fields().add(name, value)) {
    stream.fault_ = http::Fault::kBadFieldName;
  }
}

int ClientCallbacks::frame_received(nghttp2_session* raw, const nghttp2_frame* frame, void* user) {
  ClientSession& session = session_of(user);
  if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) session.settled_ = true;
  if (frame->hd.type == NGHTTP2_GOAWAY) session.leaving_ = true;
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  ClientStream* const stream = session.find(frame->hd.stream_id);
  if (stream == nullptr || stream->closed_) return 0;
  if (frame->hd.type == NGHTTP2_HEADERS && !stream->final_) {
    stream->end_head(ends_stream(*frame));
    session.guard_.earn(Flood::kContinuations);
    if (stream->fault_) nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, stream->id_, NGHTTP2_CANCEL);
    stream->changed();
  }
  if (!ends_stream(*frame)) return 0;
  stream->ended_ = true;
  stream->changed();
  return 0;
}

// The connection's credit goes back at once, the stream's when somebody has taken the bytes.
int ClientCallbacks::data_received(nghttp2_session* raw, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                                   std::size_t size, void* user) {
  ClientSession& session = session_of(user);
  nghttp2_session_consume_connection(raw, size);
  ClientStream* const stream = session.find(id);
  if (stream == nullptr || stream->closed_) return 0;
  stream->in_[stream->handed_ ^ 1U].append(text(data, size));
  stream->changed();
  return 0;
}

// nghttp2 has reset the stream, or is about to end the connection.
int ClientCallbacks::invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int error, void* user) {
  ClientSession& session = session_of(user);
  if (ClientStream* const stream = session.find(frame->hd.stream_id); stream != nullptr) {
    stream->malformed_ = true;
    stream->changed();
  }
  if (error == NGHTTP2_ERR_PROTO || nghttp2_is_fatal(error) != 0) session.broken_ = nghttp2_strerror(error);
  return 0;
}

// Left to itself nghttp2 drops a field that may not be; an answer is refused with it here.
int ClientCallbacks::invalid_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t*, std::size_t,
                                    const std::uint8_t*, std::size_t, std::uint8_t, void* user) {
  if (ClientStream* const stream = session_of(user).find(frame->hd.stream_id); stream != nullptr) {
    stream->malformed_ = true;
    stream->changed();
  }
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int ClientCallbacks::closed(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
  ClientSession& session = session_of(user);
  ClientStream* const stream = session.find(id);
  if (stream == nullptr) return 0;
  stream->closed_ = true;
  stream->error_ = static_cast<ErrorCode>(error);
  nghttp2_session_set_stream_user_data(session.session_, id, nullptr);
  stream->changed();
  return 0;
}

// What is reset while somebody waits for it, or ended with an error, is so because nghttp2 found the rules broken.
int ClientCallbacks::frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  ClientSession& session = session_of(user);
  if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR && session.broken_.empty())
    session.broken_ = nghttp2_http2_strerror(frame->goaway.error_code);
  if (frame->hd.type == NGHTTP2_RST_STREAM) {
    if (ClientStream* const stream = session.find(frame->hd.stream_id); stream != nullptr) stream->malformed_ = true;
    return 0;
  }
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  ClientStream* const stream = session.find(frame->hd.stream_id);
  if (stream == nullptr) return 0;
  stream->sent_ += frame->hd.length + kFrameHeader;
  if (frame->hd.type == NGHTTP2_HEADERS) {
    stream->head_sent_ = true;
    stream->owes_ = false;
    stream->changed();
  }
  if (ends_stream(*frame)) stream->finished_ = true;
  return 0;
}

// As much as the frame, the windows and the block that is being filled have room for.
ssize_t ClientCallbacks::frame_length(nghttp2_session*, std::uint8_t, std::int32_t, std::int32_t session_window,
                                      std::int32_t stream_window, std::uint32_t largest, void* user) {
  const ClientSession& session = session_of(user);
  constexpr std::size_t kLargest = 16384;
  const std::size_t room = session.out_->tail().size();
  const std::size_t wanted = std::min<std::size_t>({kLargest, largest, room > kFrameHeader ? room - kFrameHeader : 1});
  return std::min<ssize_t>({static_cast<ssize_t>(wanted), session_window, stream_window});
}

ssize_t ClientCallbacks::read_body(nghttp2_session* raw, std::int32_t id, std::uint8_t*, std::size_t length,
                                   std::uint32_t* flags, nghttp2_data_source*, void* user) {
  ClientStream* const stream = session_of(user).find(id);
  if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  if (stream->piece_.empty() && !stream->last_piece_) {
    stream->deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  const std::size_t taken = std::min(length, stream->piece_.size());
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (!stream->last_piece_ || taken != stream->piece_.size()) return static_cast<ssize_t>(taken);
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (stream->offered_trailers_ != nullptr) {
    std::vector<nghttp2_nv> fields;
    for (const http::Field field : *stream->offered_trailers_) fields.push_back(as_nv(field.name, field.value));
    if (nghttp2_submit_trailer(raw, id, fields.data(), fields.size()) == 0) *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    stream->offered_trailers_ = nullptr;
    stream->owes_ = true;
    if (taken == 0) stream->owes_end_ = false;  // no frame of data comes of this
  }
  return static_cast<ssize_t>(taken);
}

int ClientCallbacks::send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* header, std::size_t length,
                               nghttp2_data_source*, void* user) {
  ClientSession& session = session_of(user);
  ClientStream* const stream = session.find(frame->hd.stream_id);
  if (stream == nullptr || length > stream->piece_.size()) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  session.out_->append(text(header, kFrameHeader));
  session.out_->append(stream->piece_.substr(0, length));
  stream->piece_.remove_prefix(length);
  session.guard_.earn(Flood::kWindows);
  session.guard_.earn(Flood::kWindows);
  if (!stream->piece_.empty()) return 0;
  if (stream->last_piece_) stream->owes_end_ = false;
  stream->changed();
  return 0;
}

}  // namespace sluice::http2
