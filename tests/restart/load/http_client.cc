// See http_client.h.
#include "tests/restart/load/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/ascii.h"

namespace sluice::load {
namespace {

// What a field says, in lower case; fields of the origin and of the proxies are simple.
std::string field(std::string_view head, std::string_view name) {
  const std::string lower = lower_case(head);
  const std::size_t at = lower.find(fmt::format("\r\n{}: ", name));
  if (at == std::string::npos) return {};
  const std::size_t begin = at + name.size() + 4;
  return lower.substr(begin, lower.find("\r\n", begin) - begin);
}

}  // namespace

bool HttpClient::keeps() const {
  return world_.plan.mode == Mode::kKeep || world_.plan.mode == Mode::kHold;
}

void HttpClient::connected() {
  answers_ = 0;
  ask();
}

void HttpClient::not_connected() {
  over();
}

void HttpClient::ask() {
  const Plan& plan = world_.plan;
  const std::string_view close = keeps() ? "" : "Connection: close\r\n";
  body_sent_ = body_size_ = 0;
  if (plan.mode == Mode::kKeep) {
    out_ = "POST / HTTP/1.1\r\nHost: web.test\r\nContent-Length: 5\r\n\r\nhello";
  } else if (plan.mode == Mode::kUpload) {
    body_size_ = plan.size;
    out_ = fmt::format("POST /upload HTTP/1.1\r\nHost: web.test\r\n{}Content-Length: {}\r\n\r\n", close, body_size_);
  } else {
    const std::uint64_t size = plan.mode == Mode::kDownload ? plan.size : 2;
    out_ = fmt::format("GET /{} HTTP/1.1\r\nHost: web.test\r\n{}\r\n", size, close);
  }
  out_sent_ = 0;
  head_.clear();
  head_done_ = closes_ = false;
  good_ = true;
  left_ = taken_ = 0;
  state_ = State::kAsking;
  in(world_.plan.timeout);
  send_more();
}

void HttpClient::send_more() {
  out_sent_ += write(std::string_view(out_).substr(out_sent_));
  const bool more = out_sent_ < out_.size();
  want(true, more);
  if (!more && body_size_ != 0) in(std::chrono::milliseconds(10));
}

void HttpClient::writable() {
  send_more();
}

void HttpClient::received(std::string_view bytes) {
  if (state_ == State::kIdle) {  // an answer that nobody asked for, such as 408
    count(Kind::kWrong);
    return over();
  }
  if (!head_done_) return take_head(bytes);
  take_body(bytes);
}

void HttpClient::take_head(std::string_view bytes) {
  head_ += bytes;
  const std::size_t end = head_.find("\r\n\r\n");
  if (end == std::string::npos) return;
  const std::string rest = head_.substr(end + 4);
  head_.resize(end + 2);
  head_done_ = true;
  good_ = head_.starts_with("HTTP/1.1 200");
  const std::string length = field(head_, "content-length");
  (void)std::from_chars(length.data(), length.data() + length.size(), left_);
  closes_ = field(head_, "connection") == "close";
  take_body(rest);
}

void HttpClient::take_body(std::string_view bytes) {
  const bool checks = world_.plan.mode == Mode::kDownload && head_.starts_with("HTTP/1.1 200");
  if (checks && !world_.pattern.matches(taken_, bytes)) {
    count(Kind::kWrong);
    return over();
  }
  taken_ += bytes.size();
  if (bytes.size() >= left_) return answered();
  left_ -= bytes.size();
  if (world_.plan.mode != Mode::kDownload) return;
  want(false, false);
  in(std::chrono::microseconds(bytes.size() * 1'000'000 / world_.plan.pace));
}

void HttpClient::answered() {
  if (!good_) {
    count(Kind::kStatus);
    return over();
  }
  count(Kind::kOk);
  world_.counts.took(Clock::now() - since_);
  ++answers_;
  if (!keeps()) return over();
  if (closes_) {
    count(Kind::kCloseAnnounced);
    return over();
  }
  if (world_.stopping) return over();
  state_ = State::kIdle;
  if (world_.plan.mode == Mode::kHold) return world_.loop.call_at(Time::max(), *this);
  random_ = random_ * 1664525U + 1013904223U;
  in(world_.plan.think * (random_ >> 22U) / 1024);
}

void HttpClient::ended(int /*error*/) {
  if (state_ == State::kIdle)
    lose(Kind::kIdleUnannounced);
  else if (head_done_ || !head_.empty())
    lose(Kind::kPartial);
  else
    lose(answers_ == 0 ? Kind::kResetFresh : Kind::kLostReused);
}

void HttpClient::lose(Kind kind) {
  count(kind);
  over();
}

// The connection has done what it was for. Kept ones are made again, with a pause, as a client would.
void HttpClient::over() {
  const bool idle_end = state_ == State::kIdle;
  close();
  state_ = State::kOff;
  if (world_.stopping || world_.plan.mode == Mode::kBurst) return;
  if (world_.plan.mode == Mode::kChurn) return world_.free(*this);
  in(keeps() && !idle_end ? world_.plan.think : std::chrono::milliseconds(1));
}

void HttpClient::time_came() {
  if (state_ == State::kOff) {
    if (world_.stopping) return;
    state_ = State::kConnecting;
    return start(Clock::now());
  }
  if (state_ == State::kIdle) {
    since_ = Clock::now();
    return ask();
  }
  const bool slow = world_.plan.mode == Mode::kUpload || world_.plan.mode == Mode::kDownload;
  if (!slow || connecting() || Clock::now() - since_ > world_.plan.timeout) return lose(Kind::kTimeout);
  if (world_.plan.mode == Mode::kDownload) {
    in(world_.plan.timeout);
    return want(true, false);
  }
  constexpr std::uint64_t kTicks = 20;  // a second
  const std::uint64_t most = std::min(world_.plan.pace / kTicks, body_size_ - body_sent_);
  if (most != 0) body_sent_ += write(world_.pattern.piece(body_sent_, most));
  if (body_sent_ < body_size_) return in(std::chrono::milliseconds(1000 / kTicks));
  in(world_.plan.timeout);
}

void HttpClient::stop() {
  if (state_ == State::kIdle || state_ == State::kOff) {
    close();
    state_ = State::kOff;
  }
}

}  // namespace sluice::load
