// See listeners.h.
#include "supervisor/listeners.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/check.h"
#include "base/sys.h"

namespace sluice::supervisor {
namespace {

Result<Fd> bind_tcp(const ListenAddress& listen, int backlog) {
  const bool v6 = listen.address.ip().is_v6();
  Result<Fd> fd = sys::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_TCP);
  if (!fd) return fd;
  struct Option {
    int level;
    int name;
    int value;
  };
  const Option options[] = {{SOL_SOCKET, SO_REUSEADDR, 1},
                            {SOL_SOCKET, SO_REUSEPORT, 1},
                            {IPPROTO_TCP, TCP_NODELAY, 1}};  // inherited by what is accepted: one call less each
  for (const Option& option : options)
    if (Result<> set = sys::set_option(fd->get(), option.level, option.name, option.value); !set)
      return fail(std::move(set).error());
  if (v6) {
    const int only_v6 = listen.families == ListenAddress::Families::kDual ? 0 : 1;
    if (Result<> set = sys::set_option(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY, only_v6); !set)
      return fail(std::move(set).error());
  }
  const RawAddress raw = listen.address.raw();
  if (::bind(fd->get(), raw.get(), raw.size) != 0) return fail_errno(errno, "bind");
  if (::listen(fd->get(), backlog) != 0) return fail_errno(errno, "listen");
  return fd;
}

Result<SocketAddress> local_address(int fd) {
  RawAddress raw;
  if (::getsockname(fd, raw.get(), &raw.size) != 0) return fail_errno(errno, "getsockname");
  return SocketAddress::from_raw(raw);
}

// SO_REUSEPORT would let a second Sluice of the same user join the group and take half of the connections. A bind
// without it fails when anybody is there; the probe socket is closed again before the real ones are bound.
Result<> nobody_there(const ListenAddress& listen) {
  if (listen.address.port() == 0) return {};
  const bool v6 = listen.address.ip().is_v6();
  Result<Fd> probe = sys::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_TCP);
  if (!probe) return fail(std::move(probe).error());
  (void)sys::set_option(probe->get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (v6)
    (void)sys::set_option(probe->get(), IPPROTO_IPV6, IPV6_V6ONLY,
                          listen.families == ListenAddress::Families::kDual ? 0 : 1);
  const RawAddress raw = listen.address.raw();
  if (::bind(probe->get(), raw.get(), raw.size) != 0) return fail_errno(errno, "bind");
  return {};
}

}  // namespace

Result<ListenAddress> ListenAddress::parse(std::string_view text) {
  constexpr std::string_view kDual = "dual:";
  ListenAddress listen;
  if (text.starts_with(kDual)) {
    listen.families = Families::kDual;
    text.remove_prefix(kDual.size());
  }
  Result<SocketAddress> address = SocketAddress::parse(text);
  if (!address) return fail(std::move(address).error());
  listen.address = *std::move(address);
  if (listen.families == Families::kDual && (listen.address.is_unix() || !listen.address.ip().is_v6()))
    return fail(Code::kBadSyntax, "\"dual:\" wants an IPv6 address behind it, such as dual:[::]:8080");
  return listen;
}

Result<BoundAddress> BoundAddress::bind(const Request& request) {
  const std::string step = "listening on " + request.configured;
  Result<ListenAddress> listen = ListenAddress::parse(request.configured);
  if (!listen) return fail(std::move(listen).error().during(step));
  BoundAddress bound;
  bound.configured_ = request.configured;
  if (listen->address.is_unix()) {
    Result<UnixListener> socket =
        UnixListener::bind(listen->address.path(), {.mode = request.unix_mode, .backlog = request.backlog});
    if (!socket) return fail(std::move(socket).error().during(step));
    bound.unix_ = std::make_unique<UnixListener>(*std::move(socket));
    bound.bound_ = request.configured;
    return bound;
  }
  if (Result<> free = nobody_there(*listen); !free) return fail(std::move(free).error().during(step));
  for (std::uint32_t worker = 0; worker < request.workers; ++worker) {
    Result<Fd> fd = bind_tcp(*listen, request.backlog);
    if (!fd) return fail(std::move(fd).error().during(step));
    if (worker == 0) {
      Result<SocketAddress> address = local_address(fd->get());
      if (!address) return fail(std::move(address).error().during(step));
      listen->address = *address;
      bound.bound_ = address->text();
    }
    bound.sockets_.push_back(*std::move(fd));
  }
  return bound;
}

void BoundAddress::close() {
  sockets_.clear();
  unix_.reset();
}

int BoundAddress::socket_of(std::uint32_t worker) const {
  if (unix_ != nullptr) return unix_->fd();
  SLUICE_CHECK(worker < sockets_.size(), "one socket per worker");
  return sockets_[worker].get();
}

}  // namespace sluice::supervisor
