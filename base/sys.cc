// See sys.h.
#include "base/sys.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace sluice::sys {
namespace {
Injector injector = nullptr;

// Runs one call, again after EINTR; -1 with errno set when a test wants it to fail.
template <class Call>
auto run(const char* name, Call call) -> decltype(call()) {
  if (injector != nullptr) [[unlikely]] {
    if (const int error = injector(name); error != 0) {
      errno = error;
      return -1;
    }
  }
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

Io io(ssize_t result) {
  if (result >= 0) return {.kind = Io::Kind::kDone, .bytes = static_cast<std::size_t>(result)};
  if (errno == EAGAIN || errno == EWOULDBLOCK) return {.kind = Io::Kind::kAgain};
  return {.kind = Io::Kind::kFailed, .error = errno};
}
}  // namespace

Io read(int fd, std::span<char> into) {
  return io(run("read", [&] { return ::read(fd, into.data(), into.size()); }));
}
Io write(int fd, std::span<const char> from) {
  return io(run("write", [&] { return ::write(fd, from.data(), from.size()); }));
}
Io recv(int fd, std::span<char> into, int flags) {
  return io(run("recv", [&] { return ::recv(fd, into.data(), into.size(), flags); }));
}
Io send(int fd, std::span<const char> from, int flags) {
  return io(run("send", [&] { return ::send(fd, from.data(), from.size(), flags | MSG_NOSIGNAL); }));
}
Io send_vector(int fd, std::span<const iovec> from, int flags) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(from.data());  // sendmsg does not write to it
  message.msg_iovlen = from.size();
  return sendmsg(fd, message, flags);
}
Io sendmsg(int fd, const msghdr& message, int flags) {
  return io(run("sendmsg", [&] { return ::sendmsg(fd, &message, flags | MSG_NOSIGNAL); }));
}
Io send_rights(int fd, std::span<const char> from, std::span<const int> rights, int flags) {
  SLUICE_CHECK(rights.size() <= kMostRights, "too many descriptors for one message");
  iovec part{.iov_base = const_cast<char*>(from.data()), .iov_len = from.size()};  // sendmsg does not write to it
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMostRights)> control{};
  if (!rights.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(rights.size_bytes());
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(rights.size_bytes());
    std::memcpy(CMSG_DATA(header), rights.data(), rights.size_bytes());
  }
  return sendmsg(fd, message, flags);
}
Io recvmsg(int fd, msghdr& message, int flags) {
  return io(run("recvmsg", [&] { return ::recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC); }));
}
Io splice(int from, int to, std::size_t most, unsigned flags) {
  return io(run("splice", [&] { return ::splice(from, nullptr, to, nullptr, most, flags | SPLICE_F_NONBLOCK); }));
}

Accepted accept(int listener, sockaddr_storage& peer, socklen_t& length) {
  length = sizeof peer;
  const int fd = run("accept4", [&] {
    return ::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  });
  return fd >= 0 ? Accepted{.fd = Fd(fd)} : Accepted{.fd = Fd(), .error = errno};
}

Result<> local_name(int fd, sockaddr_storage& name, socklen_t& length) {
  length = sizeof name;
  if (run("getsockname", [&] { return ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length); }) != 0)
    return fail_errno(errno, "getsockname");
  return {};
}

Result<> peer_name(int fd, sockaddr_storage& name, socklen_t& length) {
  length = sizeof name;
  if (run("getpeername", [&] { return ::getpeername(fd, reinterpret_cast<sockaddr*>(&name), &length); }) != 0)
    return fail_errno(errno, "getpeername");
  return {};
}

Result<Fd> socket(int family, int type, int protocol) {
  const int fd = run("socket", [&] { return ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol); });
  if (fd < 0) return fail_errno(errno, "socket");
  return Fd(fd);
}

Result<> connect(int fd, const sockaddr* address, socklen_t length) {
  if (run("connect", [&] { return ::connect(fd, address, length); }) < 0 && errno != EINPROGRESS)
    return fail_errno(errno, "connect");
  return {};
}

Result<> bind(int fd, const sockaddr* address, socklen_t length) {
  if (run("bind", [&] { return ::bind(fd, address, length); }) < 0) return fail_errno(errno, "bind");
  return {};
}

int pending_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  return error;
}

Result<> set_option(int fd, int level, int name, int value) {
  if (run("setsockopt", [&] { return ::setsockopt(fd, level, name, &value, sizeof value); }) != 0)
    return fail_errno(errno, "setsockopt");
  return {};
}

void shutdown(int fd, int how) {
  ::shutdown(fd, how);
}

Result<Pipe> pipe() {
  int ends[2];
  if (run("pipe2", [&] { return ::pipe2(ends, O_NONBLOCK | O_CLOEXEC); }) != 0) return fail_errno(errno, "pipe2");
  return Pipe{.read_end = Fd(ends[0]), .write_end = Fd(ends[1])};
}

void inject(Injector with) {
  injector = with;
}

}  // namespace sluice::sys
