// See callbacks.h.
#include "proto/http2/callbacks.h"

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace sluice::http2 {
namespace {

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

ServerSession& session_of(void* user) {
  return *static_cast<ServerSession*>(user);
}

bool ends_stream(const nghttp2_frame& frame) {
  return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

constexpr std::size_t kFrameHeader = 9;

}  // namespace

const nghttp2_session_callbacks* Callbacks::table() {
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
    nghttp2_session_callbacks_set_on_frame_not_send_callback(made, &frame_not_sent);
    nghttp2_session_callbacks_set_data_source_read_length_callback(made, &frame_length);
    nghttp2_session_callbacks_set_send_data_callback(made, &send_data);
    return made;
  }();
  return kTable;
}

nghttp2_data_provider Callbacks::body() {
  nghttp2_data_provider provider{};
  provider.read_callback = &read_body;
  return provider;
}

int Callbacks::begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  ServerSession& session = session_of(user);
  session.block_bytes_ = 0;
  session.bomb_ = false;
  if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
  std::unique_ptr<Stream> stream = session.make_();
  stream->session_ = &session;
  stream->id_ = frame->hd.stream_id;
  stream->index_ = session.streams_.size();
  nghttp2_session_set_stream_user_data(session.session_, frame->hd.stream_id, stream.get());
  session.streams_.push_back(std::move(stream));
  return 0;
}

// A block that is small on the wire and many times as large as any head may be when it is unpacked is counted. What is
// over a limit is not kept, but it must be unpacked: the table of HPACK is the connection's.
int Callbacks::header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                      const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* user) {
  ServerSession& session = session_of(user);
  constexpr std::size_t kOverhead = 32;  // RFC 9113 section 6.5.2
  constexpr std::uint64_t kBomb = 4;
  session.block_bytes_ += name_size + value_size + kOverhead;
  if (!session.bomb_ && session.block_bytes_ > kBomb * (session.limits_.head.head + 4096)) {
    session.bomb_ = true;
    if (!session.guard_.allows(Flood::kFields, session.now_)) session.noticed_ = Flood::kFields;
  }
  Stream* const stream = session.find(frame->hd.stream_id);
  if (stream == nullptr || stream->closed_) return 0;
  if (!stream->arrived_) {
    stream->reader_.take(text(name, name_size), text(value, value_size), session.limits_.head, stream->head_);
    return 0;
  }
  if (stream->trailers_ == nullptr) stream->trailers_ = std::make_unique<http::Fields>();
  if (take_trailer(text(name, name_size), text(value, value_size), session.limits_.trailers,
                   session.limits_.trailer_fields, *stream->trailers_))
    return 0;
  nghttp2_submit_rst_stream(session.session_, NGHTTP2_FLAG_NONE, stream->id_, NGHTTP2_ENHANCE_YOUR_CALM);
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

void Callbacks::request_complete(ServerSession& session, Stream& stream, const nghttp2_frame& frame) {
  RequestReader::Finished finished =
      stream.reader_.finish(stream.head_, ends_stream(frame) ? EndsHere::kYes : EndsHere::kNo);
  if (finished.malformed) {
    nghttp2_submit_rst_stream(session.session_, NGHTTP2_FLAG_NONE, stream.id_, NGHTTP2_PROTOCOL_ERROR);
    ++session.malformed_;
    return;
  }
  stream.fault_ = finished.fault;
  stream.framing_ = finished.framing;
  stream.arrived_ = true;
  // who does not say how urgent a stream is gets its share of the connection, not the whole until it is done
  constexpr nghttp2_extpri kFair = {.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY, .inc = 1};
  const bool told = std::ranges::find(session.prioritized_, stream.id_) != session.prioritized_.end();
  std::erase_if(session.prioritized_, [&](std::int32_t id) { return id <= stream.id_; });
  if (!told && !stream.head_.fields().has("priority"))
    nghttp2_session_change_extpri_stream_priority(session.session_, stream.id_, &kFair, 0);
  session.guard_.earn(Flood::kContinuations);
  session.arrived_.push_back(&stream);
}

// RFC 9218 section 7.1. What the frame says nghttp2 has kept, for a stream that is still to come too.
int Callbacks::priority_updated(ServerSession& session, const nghttp2_frame& frame) {
  const std::int32_t id = static_cast<const nghttp2_ext_priority_update*>(frame.ext.payload)->stream_id;
  if (id == 0) {
    session.broken_ = "PRIORITY_UPDATE for stream 0";
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
  const bool to_come = id > nghttp2_session_get_last_proc_stream_id(session.session_);
  if (to_come && session.prioritized_.size() < session.limits_.streams) session.prioritized_.push_back(id);
  return 0;
}

int Callbacks::frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  ServerSession& session = session_of(user);
  if (frame->hd.type == NGHTTP2_PING) {
    if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 && text(frame->ping.opaque_data, kEndPing.size()) == kEndPing)
      session.end_heard_ = true;
    return 0;
  }
  if (frame->hd.type == NGHTTP2_PRIORITY_UPDATE) return priority_updated(session, *frame);
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  Stream* const stream = session.find(frame->hd.stream_id);
  if (stream == nullptr) return 0;
  if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
    request_complete(session, *stream, *frame);
  if (!ends_stream(*frame)) return 0;
  stream->ended_ = true;
  stream->changed();
  return 0;
}

int Callbacks::data_received(nghttp2_session* raw, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                             std::size_t size, void* user) {
  ServerSession& session = session_of(user);
  Stream* const stream = session.find(id);
  if (stream == nullptr || stream->closed_) {
    if (stream != nullptr) nghttp2_session_consume_stream(raw, id, size);
    return 0;  // nobody reads it: the connection's credit goes back
  }
  session.held_ += size;
  stream->filling().append(text(data, size));
  stream->changed();
  return 0;
}

// nghttp2 has reset the stream, or is about to end the connection.
int Callbacks::invalid_frame(nghttp2_session*, const nghttp2_frame*, int error, void* user) {
  ServerSession& session = session_of(user);
  ++session.malformed_;
  if (error == NGHTTP2_ERR_PROTO || nghttp2_is_fatal(error) != 0) session.broken_ = nghttp2_strerror(error);
  return 0;
}

// Left to itself nghttp2 drops a field that may not be; a request is refused with it here.
int Callbacks::invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t,
                              const std::uint8_t*, std::size_t, std::uint8_t, void*) {
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int Callbacks::closed(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
  ServerSession& session = session_of(user);
  Stream* const stream = session.find(id);
  if (stream == nullptr) return 0;
  stream->closed_ = true;
  stream->error_ = static_cast<ErrorCode>(error);
  nghttp2_session_set_stream_user_data(session.session_, id, nullptr);
  if (!stream->announced_) {
    session.dead_.push_back(stream);
  } else if (!stream->finished_) {
    session.gone_.push_back(stream);
  }
  stream->changed();
  return 0;
}

namespace {

// Resets that are the client's doing. Those for what became of an answer are not.
bool blames_client(std::uint32_t error) {
  switch (error) {
    case NGHTTP2_PROTOCOL_ERROR:
    case NGHTTP2_FLOW_CONTROL_ERROR:
    case NGHTTP2_STREAM_CLOSED:
    case NGHTTP2_FRAME_SIZE_ERROR:
    case NGHTTP2_REFUSED_STREAM:
    case NGHTTP2_ENHANCE_YOUR_CALM:
      return true;
    default:
      return false;
  }
}

}  // namespace

// Fields that nghttp2 will not send: nobody is to wait for them.
int Callbacks::frame_not_sent(nghttp2_session* raw, const nghttp2_frame* frame, int, void* user) {
  if (frame->hd.type != NGHTTP2_HEADERS) return 0;
  Stream* const stream = session_of(user).find(frame->hd.stream_id);
  if (stream == nullptr || stream->closed_) return 0;
  nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, stream->id_, NGHTTP2_INTERNAL_ERROR);
  return 0;
}

int Callbacks::frame_sent(nghttp2_session* raw, const nghttp2_frame* frame, void* user) {
  ServerSession& session = session_of(user);
  if (frame->hd.type == NGHTTP2_RST_STREAM) {
    if (blames_client(frame->rst_stream.error_code) && !session.guard_.allows(Flood::kErrors, session.now_))
      session.noticed_ = Flood::kErrors;
    return 0;
  }
  if (frame->hd.type == NGHTTP2_WINDOW_UPDATE && frame->hd.stream_id == 0)
    session.window_ += static_cast<std::uint64_t>(frame->window_update.window_size_increment);
  if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
  const bool ends = ends_stream(*frame);
  Stream* const stream = session.find(frame->hd.stream_id);
  if (stream != nullptr) {
    stream->sent_ += frame->hd.length + kFrameHeader;
    if (frame->hd.type == NGHTTP2_HEADERS) {
      stream->owes_ = false;
      stream->changed();
    }
    if (stream->tunnel_) return 0;
  }
  // the answer is whole: what is still to come of the request is not worth sending (RFC 9113 section 8.1)
  if (ends && nghttp2_session_get_stream_remote_close(raw, frame->hd.stream_id) == 0)
    nghttp2_submit_rst_stream(raw, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
  return 0;
}

// As much as the frame, the windows and the block that is being filled have room for.
ssize_t Callbacks::frame_length(nghttp2_session*, std::uint8_t, std::int32_t, std::int32_t session_window,
                                std::int32_t stream_window, std::uint32_t largest, void* user) {
  const ServerSession& session = session_of(user);
  constexpr std::size_t kLargest = 16384;
  const std::size_t room = session.out_->tail().size();
  const std::size_t wanted = std::min<std::size_t>({kLargest, largest, room > kFrameHeader ? room - kFrameHeader : 1});
  return std::min<ssize_t>({static_cast<ssize_t>(wanted), session_window, stream_window});
}

ssize_t Callbacks::read_body(nghttp2_session* raw, std::int32_t id, std::uint8_t*, std::size_t length,
                             std::uint32_t* flags, nghttp2_data_source*, void* user) {
  Stream* const stream = session_of(user).find(id);
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
    if (taken == 0) {  // no frame of data comes of this
      stream->finished_ = true;
      stream->owes_end_ = false;
    }
  }
  return static_cast<ssize_t>(taken);
}

int Callbacks::send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* header, std::size_t length,
                         nghttp2_data_source*, void* user) {
  ServerSession& session = session_of(user);
  Stream* const stream = session.find(frame->hd.stream_id);
  if (stream == nullptr || length > stream->piece_.size()) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  session.out_->append(text(header, kFrameHeader));
  session.out_->append(stream->piece_.substr(0, length));
  stream->piece_.remove_prefix(length);
  session.data_sent_ += length;
  stream->data_sent_ += length;
  session.guard_.earn(Flood::kWindows);
  session.guard_.earn(Flood::kWindows);
  if (!stream->piece_.empty()) return 0;
  if (stream->last_piece_) {
    stream->finished_ = true;
    stream->owes_end_ = false;
  }
  stream->changed();
  return 0;
}

}  // namespace sluice::http2
