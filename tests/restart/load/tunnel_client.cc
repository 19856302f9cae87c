// See tunnel_client.h.
#include "tests/restart/load/tunnel_client.h"

#include <fmt/format.h>

namespace sluice::load {

void TunnelClient::connected() {
  state_ = State::kAsking;
  head_.clear();
  sent_ = back_ = 0;
  const std::string ask =
      world_.plan.mode == Mode::kConnect
          ? fmt::format("CONNECT 127.0.0.1:{0} HTTP/1.1\r\nHost: 127.0.0.1:{0}\r\n\r\n", world_.plan.target)
          : std::string(
                "GET /socket HTTP/1.1\r\nHost: web.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  (void)write(ask);
  in(world_.plan.timeout);
}

void TunnelClient::not_connected() {
  state_ = State::kOff;
  if (!world_.stopping) in(world_.plan.every);
}

void TunnelClient::writable() {}

void TunnelClient::received(std::string_view bytes) {
  std::string rest;
  if (state_ == State::kAsking) {
    head_ += bytes;
    const std::size_t end = head_.find("\r\n\r\n");
    if (end == std::string::npos) return;
    if (!head_.starts_with("HTTP/1.1 200") && !head_.starts_with("HTTP/1.1 101")) return lose(Kind::kStatus);
    count(Kind::kOk);
    state_ = State::kOpen;
    rest = head_.substr(end + 4);
    bytes = rest;
    // not all tunnels at once
    in(world_.plan.every * (number_ % 16) / 16);
  }
  if (back_ + bytes.size() > sent_ || !world_.pattern.matches(back_, bytes)) return lose(Kind::kWrong);
  const std::uint64_t before = back_ / kMessage;
  back_ += bytes.size();
  for (std::uint64_t i = before; i < back_ / kMessage; ++i) {
    count(Kind::kMessages);
    world_.counts.took(Clock::now() - since_);
  }
  if (state_ == State::kEnding && back_ == sent_) {
    close();
    state_ = State::kOff;
  }
}

void TunnelClient::time_came() {
  if (state_ == State::kOff) {
    if (!world_.stopping) start(Clock::now());
    return;
  }
  if (state_ != State::kOpen) return lose(Kind::kTimeout);
  if (back_ != sent_ && Clock::now() - since_ > world_.plan.timeout) return lose(Kind::kTimeout);
  if (back_ == sent_) {
    since_ = Clock::now();
    // a message is small beside a socket's buffer, so it goes whole or the tunnel is gone
    std::uint64_t left = kMessage;
    while (left != 0) {
      const std::size_t wrote = write(world_.pattern.piece(sent_, left));
      if (wrote == 0) break;
      sent_ += wrote;
      left -= wrote;
    }
  }
  in(world_.plan.every);
}

void TunnelClient::ended(int /*error*/) {
  lose(state_ == State::kAsking ? Kind::kResetFresh : Kind::kTunnelLost);
}

void TunnelClient::lose(Kind kind) {
  count(kind);
  close();
  state_ = State::kOff;
  if (!world_.stopping) in(world_.plan.every);
}

void TunnelClient::stop() {
  if (state_ == State::kOpen && back_ != sent_) {
    state_ = State::kEnding;
    return in(world_.plan.timeout);
  }
  if (state_ == State::kEnding || state_ == State::kAsking || connecting()) return;
  close();
  state_ = State::kOff;
}

}  // namespace sluice::load
