// See client_session.h.
#include "proto/http2/client_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "proto/http/ascii.h"
#include "proto/http2/callbacks.h"
#include "proto/http2/client_callbacks.h"
#include "proto/http2/connection_fields.h"
#include "proto/http2/lines.h"

namespace sluice::http2 {
namespace {

constexpr std::size_t kRoomForFrames = 4096;  // in the block that is filled, for it to be worth another frame
// Of the connection: credit goes back as bytes come, so this is what may be on its way.
constexpr std::int32_t kConnectionWindow = 8 << 20;

// The library's own limits stand behind ours, which say why they end a connection.
const nghttp2_option* options() {
  static const nghttp2_option* const kOptions = [] {
    nghttp2_option* made = nullptr;
    SLUICE_CHECK(nghttp2_option_new(&made) == 0, "nghttp2 has no memory");
    nghttp2_option_set_no_auto_window_update(made, 1);
    nghttp2_option_set_no_closed_streams(made, 1);
    nghttp2_option_set_max_outbound_ack(made, 10'000);
    nghttp2_option_set_max_continuations(made, 1000);
    return made;
  }();
  return kOptions;
}

BlockLimits block_limits(const ClientLimits& limits) {
  constexpr std::uint32_t kFrame = 16 * 1024;
  const std::uint32_t bytes = 2 * limits.head + kFrame;
  return {.bytes = bytes, .continuations = bytes / kFrame + 8};
}

}  // namespace

ClientSession::ClientSession(const ClientLimits& limits, Nanos now)
    : limits_(limits), guard_(now), watch_(block_limits(limits), Sender::kServer), now_(now) {
  SLUICE_CHECK(nghttp2_session_client_new2(&session_, ClientCallbacks::table(), this, options()) == 0,
               "nghttp2 has no memory");
  const std::array settings = {
      nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.head + 32 * limits.fields},
  };
  SLUICE_CHECK(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) == 0,
               "nghttp2 takes no settings");
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
}

ClientSession::~ClientSession() {
  for (ClientStream* const stream : streams_) stream->session_ = nullptr;
  nghttp2_session_del(session_);
}

ClientStream* ClientSession::find(std::int32_t id) const {
  return static_cast<ClientStream*>(nghttp2_session_get_stream_user_data(session_, id));
}

void ClientSession::ask(ClientStream& stream, const http::RequestHead& head, std::string_view scheme, Last last) {
  submit(stream, head, scheme, {}, last);
}

void ClientSession::connect(ClientStream& stream, const http::RequestHead& head, std::string_view scheme) {
  submit(stream, head, scheme, head.fields().find(http::FieldId::kUpgrade).value_or(std::string_view()), Last::kNo);
}

void ClientSession::submit(ClientStream& stream, const http::RequestHead& head, std::string_view scheme,
                           std::string_view protocol, Last last) {
  Lines lines(head.fields().size() + 6);
  lines.add(":method", protocol.empty() ? head.method_text() : std::string_view("CONNECT"));
  if (!protocol.empty()) lines.add(":protocol", protocol);
  lines.add(":scheme", scheme);
  lines.add(":authority", head.authority().text);
  lines.add(":path", head.path_and_query());
  for (const http::Field field : head.fields())  // the key of a WebSocket: RFC 8441 section 5
    if (!belongs_to_http1(field.id) && field.id != http::FieldId::kSecWebsocketKey) lines.add(field.name, field.value);
  if (head.fields().has_token(http::FieldId::kTe, "trailers")) lines.add("te", "trailers");
  const nghttp2_data_provider body = ClientCallbacks::body();
  stream.session_ = this;
  stream.index_ = streams_.size();
  stream.owes_ = true;
  streams_.push_back(&stream);
  stream.id_ = nghttp2_submit_request(session_, nullptr, lines.data(), lines.size(),
                                      last == Last::kYes ? nullptr : &body, &stream);
  guard_.earn(Flood::kResets);
  if (stream.id_ > 0) return;
  stream.closed_ = true;  // no more ids: a connection of two thousand million requests
  stream.error_ = ErrorCode::kRefusedStream;
  leaving_ = true;
}

void ClientSession::offer(ClientStream& stream, std::string_view piece, Last last, const http::Fields* trailers) {
  SLUICE_CHECK(stream.piece_.empty(), "a piece is offered before the last one was taken");
  if (stream.closed_) return;
  stream.piece_ = piece;
  stream.last_piece_ = last == Last::kYes;
  stream.offered_trailers_ = trailers != nullptr && !trailers->empty() ? trailers : nullptr;
  if (piece.empty() && last == Last::kYes) stream.owes_end_ = true;
  if (!stream.deferred_ || (piece.empty() && last == Last::kNo)) return;
  stream.deferred_ = false;
  nghttp2_session_resume_data(session_, stream.id_);
}

void ClientSession::end_tunnel(ClientStream& stream) {
  if (stream.closed_) return;
  stream.last_piece_ = true;
  if (stream.piece_.empty()) stream.owes_end_ = true;
  if (!stream.deferred_) return;
  stream.deferred_ = false;
  nghttp2_session_resume_data(session_, stream.id_);
}

void ClientSession::withdraw(ClientStream& stream) {
  stream.piece_ = {};
  stream.last_piece_ = false;
  stream.offered_trailers_ = nullptr;
  stream.owes_end_ = false;
}

// A request that has not left yet is taken back without a word: nghttp2 sees to it.
void ClientSession::drop(ClientStream& stream, ErrorCode why) {
  if (!stream.closed_) {
    nghttp2_session_set_stream_user_data(session_, stream.id_, nullptr);
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, static_cast<std::uint32_t>(why));
  }
  streams_[stream.index_] = streams_.back();
  streams_[stream.index_]->index_ = stream.index_;
  streams_.pop_back();
  stream.session_ = nullptr;
}

void ClientSession::feed(std::string_view bytes, Nanos now) {
  if (aborted_) return;
  now_ = now;
  if (const std::optional<Flood> flood = watch_.pass(bytes, guard_, now)) {
    ruin(*flood);
    return;
  }
  const ssize_t done =
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (done == NGHTTP2_ERR_FLOODED) {
    ruin(Flood::kPings);
  } else if (done < 0) {
    ruin(nghttp2_strerror(static_cast<int>(done)));
  } else if (noticed_) {
    ruin(*noticed_);
  }
}

bool ClientSession::fill(Buffer& out, Nanos now) {
  now_ = now;
  out_ = &out;
  const std::size_t before = out.size();
  for (;;) {
    if (out.space(1).size() < kRoomForFrames && !out.empty()) break;
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0) {
      ruin(nghttp2_strerror(static_cast<int>(size)));
      break;
    }
    if (size == 0) break;
    out.append({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
  }
  out_ = nullptr;
  if (noticed_ && !aborted_) ruin(*noticed_);
  return out.size() != before;
}

bool ClientSession::wants_to_send() const {
  return nghttp2_session_want_write(session_) != 0;
}

void ClientSession::ping() {
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
}

void ClientSession::end() {
  if (aborted_) return;
  leaving_ = true;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
}

std::uint32_t ClientSession::most_streams() const {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

void ClientSession::ruin(Flood flood) {
  if (aborted_) return;
  flood_ = flood;
  abort(ErrorCode::kEnhanceYourCalm);
}

void ClientSession::ruin(std::string_view why) {
  if (broken_.empty()) broken_ = why;
  abort(ErrorCode::kProtocolError);
}

void ClientSession::abort(ErrorCode why) {
  if (aborted_) return;
  aborted_ = true;
  nghttp2_session_terminate_session(session_, static_cast<std::uint32_t>(why));
}

bool ClientSession::allows_connect() const {
  return nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
}

bool ClientSession::over() const {
  return aborted_ || nghttp2_session_want_read(session_) == 0;
}

std::size_t ClientSession::backlog() const {
  return nghttp2_session_get_outbound_queue_size(session_);
}

bool ClientSession::give_credit(ClientStream& stream, std::size_t bytes) {
  if (stream.closed_ || stream.ended_) return false;
  nghttp2_session_consume_stream(session_, stream.id_, bytes);
  return true;
}

}  // namespace sluice::http2
