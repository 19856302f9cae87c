// See client.h.
#include "tests/restart/load/client.h"

#include <array>
#include <cerrno>

#include "base/check.h"

namespace sluice::load {
Fd socket_from(std::uint32_t number, int type) {
  Fd socket(::socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  SLUICE_CHECK(socket, "descriptors");
  sockaddr_in from = loopback(0);
  constexpr std::uint32_t kAddresses = 200;
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (number % kAddresses));
  const int yes = 1;
  if (type == SOCK_STREAM) (void)::setsockopt(socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
  (void)::bind(socket.get(), reinterpret_cast<const sockaddr*>(&from), sizeof from);
  return socket;
}

void Client::start(Time since) {
  since_ = since;
  socket_ = socket_from(number_, SOCK_STREAM);
  if (world_.plan.mode == Mode::kDownload) {
    // what waits in the kernel is not in the proxy
    const int small = 32 << 10;
    (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  }
  connecting_ = true;
  world_.counts.opened();
  const sockaddr_in to = loopback(world_.plan.port);
  if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 && errno != EINPROGRESS)
    return fail_to_connect(errno);
  wanted_ = EPOLLOUT;
  world_.loop.watch(socket_.get(), wanted_, *this);
  in(world_.plan.timeout);
}

void Client::fail_to_connect(int error) {
  count(error == ECONNREFUSED ? Kind::kRefused : error == ECONNRESET ? Kind::kResetFresh : Kind::kUnreachable);
  close();
  not_connected();
}

void Client::close() {
  socket_.reset();
  connecting_ = false;
  world_.loop.call_at(Time::max(), *this);
}

void Client::want(bool reads, bool writes) {
  const std::uint32_t wanted = (reads ? EPOLLIN : 0U) | (writes ? EPOLLOUT : 0U);
  if (wanted == wanted_) return;
  wanted_ = wanted;
  world_.loop.change(socket_.get(), wanted, *this);
}

std::size_t Client::write(std::string_view bytes) {
  const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  // an error is seen again, and counted, where the socket is read
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

void Client::ready(std::uint32_t events) {
  if (!socket_) return;
  if (connecting_) {
    int error = 0;
    socklen_t size = sizeof error;
    (void)::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return fail_to_connect(error);
    connecting_ = false;
    count(Kind::kConnections);
    want(true, false);
    return connected();
  }
  if ((events & EPOLLOUT) != 0) writable();
  if (!socket_ || (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0) return;
  if ((wanted_ & EPOLLIN) == 0 && (events & EPOLLERR) == 0) return;  // who reads slowly sees the end when it gets there
  std::array<char, 65536> buffer{};
  const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (got > 0) return received({buffer.data(), static_cast<std::size_t>(got)});
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  ended(got < 0 ? errno : 0);
}

}  // namespace sluice::load
