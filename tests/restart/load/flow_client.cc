// See flow_client.h.
#include "tests/restart/load/flow_client.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>

namespace sluice::load {

namespace {

std::uint16_t port_of(int socket) {
  sockaddr_in own{};
  socklen_t size = sizeof own;
  (void)::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size);
  return ntohs(own.sin_port);
}

}  // namespace

void FlowClient::start(Time /*since*/) {
  // what comes from the endpoint's own port is not answered, lest two of them talk for ever
  do socket_ = socket_from(number_, SOCK_DGRAM);
  while (port_of(socket_.get()) == world_.plan.port);
  const sockaddr_in to = loopback(world_.plan.port);
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    world_.counts.add(Kind::kUnreachable);
    socket_.reset();
    return;
  }
  world_.loop.watch(socket_.get(), EPOLLIN, *this);
  world_.counts.add(Kind::kConnections);
  sent_ = back_ = 0;
  send();
}

void FlowClient::send() {
  since_ = Clock::now();
  const std::string text = fmt::format("{}", ++sent_);
  (void)::send(socket_.get(), text.data(), text.size(), 0);  // a refusal is seen when it is read
  in(shots() ? world_.plan.timeout : world_.plan.every);
}

void FlowClient::ready(std::uint32_t /*events*/) {
  std::array<char, 512> buffer{};
  while (socket_) {
    const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0) return;
    answered({buffer.data(), static_cast<std::size_t>(got)});
  }
}

void FlowClient::answered(std::string_view bytes) {
  ++back_;
  const std::string_view worker = bytes.substr(0, bytes.find(' '));
  world_.counts.add(Kind::kMessages);
  if (bytes.ends_with(fmt::format(" {}", sent_))) world_.counts.took(Clock::now() - since_);
  if (shots()) {
    close();
    if (!stopping_) in(std::chrono::milliseconds(1));
    return;
  }
  if (worker_ != worker && !worker_.empty()) world_.counts.add(Kind::kWrong);
  worker_ = worker;
  if (stopping_ && back_ >= sent_) close();
}

void FlowClient::time_came() {
  if (!socket_) {
    if (!stopping_) start(Clock::now());
  } else if (stopping_ || shots()) {
    close();
    if (!stopping_) in(std::chrono::milliseconds(1));
  } else {
    send();
  }
}

void FlowClient::stop() {
  stopping_ = true;
  if (!socket_) return;
  if (back_ >= sent_) return close();
  in(std::chrono::seconds(1));
}

void FlowClient::close() {
  for (; back_ < sent_; ++back_) world_.counts.add(Kind::kTimeout);
  socket_.reset();
  worker_.clear();
  world_.loop.call_at(Time::max(), *this);
}

}  // namespace sluice::load
