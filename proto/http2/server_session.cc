// See server_session.h.
#include "proto/http2/server_session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "proto/http2/callbacks.h"
#include "proto/http2/connection_fields.h"
#include "proto/http2/lines.h"

namespace sluice::http2 {
namespace {

constexpr std::size_t kRoomForFrames = 4096;  // in the block that is filled, for it to be worth another frame
// Of fields that we send: more than the limits of an origin's head and trailers can be set to (1 MiB each).
constexpr std::size_t kLargestBlock = std::size_t{4} << 20;

// The library's own limits stand behind ours, which say why they end a connection.
const nghttp2_option* options() {
  static const nghttp2_option* const kOptions = [] {
    nghttp2_option* made = nullptr;
    SLUICE_CHECK(nghttp2_option_new(&made) == 0, "nghttp2 has no memory");
    nghttp2_option_set_no_auto_window_update(made, 1);
    nghttp2_option_set_no_closed_streams(made, 1);
    nghttp2_option_set_max_outbound_ack(made, 10'000);
    nghttp2_option_set_max_continuations(made, 1000);
    nghttp2_option_set_max_send_header_block_length(made, kLargestBlock);
    nghttp2_option_set_stream_reset_rate_limit(made, 1'000'000, 1'000'000);
    nghttp2_option_set_builtin_recv_extension_type(made, NGHTTP2_PRIORITY_UPDATE);
    return made;
  }();
  return kOptions;
}

// A compressed block is never larger than the fields, but for what HPACK adds to each.
BlockLimits block_limits(const HeadLimits& limits) {
  constexpr std::uint32_t kFrame = 16 * 1024;
  const std::uint32_t bytes = 2 * limits.head + kFrame;
  return {.bytes = bytes, .continuations = bytes / kFrame + 8};
}

}  // namespace

ServerSession::ServerSession(const SessionLimits& limits, MakeStream make, Nanos now)
    : limits_(limits), make_(std::move(make)), guard_(now), watch_(block_limits(limits.head)), now_(now) {
  SLUICE_CHECK(nghttp2_session_server_new2(&session_, Callbacks::table(), this, options()) == 0,
               "nghttp2 has no memory");
  const std::array settings = {
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.stream_window},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.head.head + 32 * limits.head.fields},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
  };
  SLUICE_CHECK(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) == 0,
               "nghttp2 takes no settings");
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(limits.connection_window));
}

ServerSession::~ServerSession() {
  nghttp2_session_del(session_);
}

Stream* ServerSession::find(std::int32_t id) const {
  return static_cast<Stream*>(nghttp2_session_get_stream_user_data(session_, id));
}

void ServerSession::feed(std::string_view bytes, Nanos now) {
  if (aborted_) return;
  now_ = now;
  if (const std::optional<Flood> flood = watch_.pass(bytes, guard_, now)) {
    ruin(*flood);
    settle();
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
  settle();
}

// Streams that nobody has heard of are forgotten; the others are announced.
void ServerSession::settle() {
  for (Stream* const stream : dead_) {
    std::erase(arrived_, stream);
    remove(*stream);
  }
  dead_.clear();
  for (Stream* const stream : arrived_) stream->announced_ = true;
}

void ServerSession::remove(Stream& stream) {
  const std::size_t waits = stream.in_[0].size() + stream.in_[1].size();
  held_ -= waits;
  const std::size_t index = stream.index_;
  streams_[index].swap(streams_.back());
  streams_[index]->index_ = index;
  streams_.pop_back();
}

// In the order in which they came. There are never more of them than streams.
Stream* ServerSession::next_of(std::vector<Stream*>& streams) {
  if (streams.empty()) return nullptr;
  Stream* const first = streams.front();
  streams.erase(streams.begin());
  return first;
}

void ServerSession::ruin(Flood flood) {
  if (aborted_) return;
  flood_ = flood;
  abort(ErrorCode::kEnhanceYourCalm);
}

void ServerSession::ruin(std::string_view why) {
  broken_ = why;
  abort(ErrorCode::kProtocolError);
}

void ServerSession::abort(ErrorCode why) {
  if (aborted_) return;
  aborted_ = true;
  nghttp2_session_terminate_session2(session_, nghttp2_session_get_last_proc_stream_id(session_),
                                     static_cast<std::uint32_t>(why));
}

bool ServerSession::over() const {
  return aborted_ || nghttp2_session_want_read(session_) == 0;
}

std::size_t ServerSession::backlog() const {
  return nghttp2_session_get_outbound_queue_size(session_);
}

bool Stream::release_body() {
  Buffer& last = in_[handed_];
  const std::size_t done = last.size();
  if (done == 0) return false;
  last.release();
  session_->give_credit(*this, done);
  return true;
}

std::string_view Stream::take_body() {
  release_body();
  handed_ ^= 1U;
  return in_[handed_].view();
}

void ServerSession::give_credit(Stream& stream, std::size_t bytes) {
  held_ -= bytes;
  if (!stream.closed_) nghttp2_session_consume_stream(session_, stream.id_, bytes);
}

// The client may send what the window is, less what waits here. nghttp2 would say so only when half of the window has
// been consumed: bodies that wait for their origins may hold more than the other half, and then those that need not
// wait would never get anything. True when it has been submitted.
bool ServerSession::return_connection_credit() {
  constexpr std::uint32_t kWorthAFrame = 16;
  const std::uint64_t due = watch_.data_bytes() - held_ + limits_.connection_window;
  if (aborted_ || due < window_ + limits_.connection_window / kWorthAFrame) return false;
  return nghttp2_submit_window_update(session_, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(due - window_)) == 0;
}

nghttp2_nv as_nv(std::string_view name, std::string_view value) {
  // nghttp2 does not write through these pointers: it copies, as no flag says otherwise
  return {.name = reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          .value = reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
          .namelen = name.size(),
          .valuelen = value.size(),
          .flags = NGHTTP2_NV_FLAG_NONE};
}

namespace {

// The fields of a response as nghttp2 takes them.
class ResponseLines {
 public:
  explicit ResponseLines(const http::ResponseHead& head) : lines_(head.fields().size() + 1) {
    const std::uint16_t status = head.status();
    status_ = {static_cast<char>('0' + status / 100), static_cast<char>('0' + status / 10 % 10),
               static_cast<char>('0' + status % 10)};
    lines_.add(":status", {status_.data(), status_.size()});
    for (const http::Field field : head.fields())
      if (!belongs_to_http1(field.id)) lines_.add(field.name, field.value);
  }
  [[nodiscard]] const nghttp2_nv* data() const { return lines_.data(); }
  [[nodiscard]] std::size_t size() const { return lines_.size(); }

 private:
  std::array<char, 3> status_{};
  Lines lines_;
};

}  // namespace

void ServerSession::interim(Stream& stream, const http::ResponseHead& head) {
  if (stream.closed_) return;
  const ResponseLines lines(head);
  stream.owes_ = true;
  nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id_, nullptr, lines.data(), lines.size(), nullptr);
}

void ServerSession::submit_answer(Stream& stream, const http::ResponseHead& head, Last last) {
  if (stream.closed_) return;
  const ResponseLines lines(head);
  stream.owes_ = true;
  const nghttp2_data_provider body = Callbacks::body();
  if (last == Last::kYes) stream.finished_ = true;
  nghttp2_submit_response(session_, stream.id_, lines.data(), lines.size(), last == Last::kYes ? nullptr : &body);
}

void ServerSession::answer(Stream& stream, const http::ResponseHead& head, Last last) {
  submit_answer(stream, head, last);
}

void ServerSession::open_tunnel(Stream& stream, const http::ResponseHead& head) {
  stream.tunnel_ = true;
  submit_answer(stream, head, Last::kNo);
}

void ServerSession::offer(Stream& stream, std::string_view piece, Last last, const http::Fields* trailers) {
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

void ServerSession::withdraw(Stream& stream) {
  stream.piece_ = {};
  stream.last_piece_ = false;
  stream.offered_trailers_ = nullptr;
  stream.owes_end_ = false;
}

void ServerSession::end_tunnel(Stream& stream) {
  if (stream.closed_) return;
  stream.last_piece_ = true;
  if (stream.piece_.empty()) stream.owes_end_ = true;
  if (!stream.deferred_) return;
  stream.deferred_ = false;
  nghttp2_session_resume_data(session_, stream.id_);
}

void ServerSession::reset(Stream& stream, ErrorCode why) {
  if (stream.closed_) return;
  stream.finished_ = true;  // by us: nobody is told that it is gone
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, static_cast<std::uint32_t>(why));
}

void ServerSession::drop(Stream& stream, ErrorCode why) {
  std::erase(gone_, &stream);
  std::erase(arrived_, &stream);
  if (!stream.closed_) {
    // what ends by itself once its last frame has left is not reset; a tunnel that ends for both has ended by now
    if (!stream.finished_ || !stream.taken() || stream.tunnel_)
      nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id_, static_cast<std::uint32_t>(why));
    nghttp2_session_set_stream_user_data(session_, stream.id_, nullptr);
  }
  remove(stream);
}

void ServerSession::count_refusal() {
  if (!guard_.allows(Flood::kErrors, now_)) noticed_ = Flood::kErrors;
}

bool ServerSession::window_open(const Stream& stream) const {
  return !stream.closed_ && nghttp2_session_get_stream_remote_window_size(session_, stream.id_) > 0;
}

bool ServerSession::connection_window_open() const {
  return nghttp2_session_get_remote_window_size(session_) > 0;
}

bool ServerSession::fill(Buffer& out, Nanos now) {
  now_ = now;
  out_ = &out;
  const std::size_t before = out.size();
  bool looked = false;  // behind all that nghttp2 returns by itself, so that nothing is returned twice
  for (;;) {
    if (out.space(1).size() < kRoomForFrames && !out.empty()) break;
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0) {
      ruin(nghttp2_strerror(static_cast<int>(size)));
      break;
    }
    if (size == 0 && !std::exchange(looked, true) && return_connection_credit()) continue;
    if (size == 0) break;
    out.append({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
  }
  out_ = nullptr;
  if (noticed_ && !aborted_) ruin(*noticed_);
  settle();
  return out.size() != before;
}

void ServerSession::announce_end() {
  nghttp2_submit_shutdown_notice(session_);
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, reinterpret_cast<const std::uint8_t*>(kEndPing.data()));
}

void ServerSession::end() {
  if (aborted_) return;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                        NGHTTP2_NO_ERROR, nullptr, 0);
}

std::string_view name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNoError:
      return "NO_ERROR";
    case ErrorCode::kProtocolError:
      return "PROTOCOL_ERROR";
    case ErrorCode::kInternalError:
      return "INTERNAL_ERROR";
    case ErrorCode::kFlowControlError:
      return "FLOW_CONTROL_ERROR";
    case ErrorCode::kSettingsTimeout:
      return "SETTINGS_TIMEOUT";
    case ErrorCode::kStreamClosed:
      return "STREAM_CLOSED";
    case ErrorCode::kFrameSizeError:
      return "FRAME_SIZE_ERROR";
    case ErrorCode::kRefusedStream:
      return "REFUSED_STREAM";
    case ErrorCode::kCancel:
      return "CANCEL";
    case ErrorCode::kCompressionError:
      return "COMPRESSION_ERROR";
    case ErrorCode::kConnectError:
      return "CONNECT_ERROR";
    case ErrorCode::kEnhanceYourCalm:
      return "ENHANCE_YOUR_CALM";
  }
  return "unknown";
}

}  // namespace sluice::http2
