// See ares_channel.h.
#include "worker/offramp/ares_channel.h"

#include <netinet/in.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "base/check.h"
#include "base/fd.h"
#include "base/fd_events.h"
#include "base/sys.h"

namespace sluice::worker {
namespace {

// The largest UDP answer that crosses every path unfragmented (DNS flag day 2020); longer ones come over TCP.
constexpr int kUdpPayload = 1232;

std::string describe(int status) {
  return ares_strerror(status);
}

Result<> set_servers(ares_channel channel, const std::vector<SocketAddress>& servers) {
  std::vector<ares_addr_port_node> nodes(servers.size());
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const IpAddress ip = servers[i].ip().unmapped();
    ares_addr_port_node& node = nodes[i];
    node.next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
    node.family = ip.is_v4() ? AF_INET : AF_INET6;
    std::memcpy(&node.addr, ip.bytes().data(), ip.bytes().size());
    node.udp_port = node.tcp_port = servers[i].port();
  }
  const int status = ares_set_servers_ports(channel, nodes.data());
  if (status != ARES_SUCCESS) return fail(Code::kSystem, "DNS servers: " + describe(status));
  return {};
}

}  // namespace

struct AresChannel::Socket {
  Socket(AresChannel& channel, Fd owned, int type) : type(type), fd(std::move(owned)), events(channel.loop_, fd.get()) {
    // nothing has been sent: registering brings an edge for whatever there is
    events.readable.clear();
  }

  int type;
  bool closed = false;  // by c-ares: its tasks must not touch the number any more
  int failure = 0;      // errno of a failed send, which the next receive tells again
  Fd fd;
  FdEvents events;
  Signal wants_write;
  Scope tasks;
};

// The C side: what c-ares calls, always from inside one of its own functions.
struct AresChannel::Hooks {
  static AresChannel& channel(void* data) { return *static_cast<AresChannel*>(data); }

  static ares_socket_t open(int family, int type, int protocol, void* data) {
    AresChannel& self = channel(data);
    Result<Fd> fd = sys::socket(family, type, protocol);
    if (!fd) {
      errno = fd.error().sys();
      return ARES_SOCKET_BAD;
    }
    const int number = fd->get();
    self.sockets_.push_back(std::make_unique<Socket>(self, std::move(*fd), type));
    Socket& socket = *self.sockets_.back();
    socket.tasks.spawn([&self, &socket] { return self.read_from(socket); });
    socket.tasks.spawn([&self, &socket] { return self.write_to(socket); });
    return number;
  }

  static int done_with(ares_socket_t fd, void* data) {
    channel(data).retire(fd);
    return 0;
  }

  static int connect(ares_socket_t fd, const sockaddr* address, ares_socklen_t size, void*) {
    const Result<> begun = sys::connect(fd, address, size);
    if (begun) return 0;
    errno = begun.error().sys();
    return -1;
  }

  static ares_ssize_t receive(ares_socket_t fd, void* into, size_t size, int flags, sockaddr* from,
                              ares_socklen_t* from_size, void* data) {
    Socket* const socket = channel(data).find(fd);
    SLUICE_CHECK(socket != nullptr, "c-ares reads from a socket that it closed");
    if (socket->failure != 0) {
      errno = socket->failure;
      return -1;
    }
    for (;;) {
      iovec part{.iov_base = into, .iov_len = size};
      msghdr message{};
      message.msg_name = from;
      message.msg_namelen = from_size != nullptr ? *from_size : 0;
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      const sys::Io io = sys::recvmsg(fd, message, flags);
      if (io.done()) {
        // an empty datagram is not the end of anything, though c-ares takes it for one (CVE-2023-32067)
        if (io.bytes == 0 && socket->type == SOCK_DGRAM) continue;
        if (from_size != nullptr) *from_size = message.msg_namelen;
        return static_cast<ares_ssize_t>(io.bytes);
      }
      if (io.again()) socket->events.readable.clear();
      errno = io.again() ? EAGAIN : io.error;
      return -1;
    }
  }

  static ares_ssize_t send(ares_socket_t fd, const iovec* parts, int count, void* data) {
    Socket* const socket = channel(data).find(fd);
    SLUICE_CHECK(socket != nullptr, "c-ares writes to a socket that it closed");
    const sys::Io io = sys::send_vector(fd, {parts, static_cast<std::size_t>(count)}, 0);
    if (io.done()) return static_cast<ares_ssize_t>(io.bytes);
    if (io.again()) {
      socket->events.writable.clear();
      errno = EAGAIN;
      return -1;
    }
    // c-ares moves this query to the next server, but those that went out before on the same socket would wait for
    // their timeout: the kernel tells an ICMP error once only. Told again by a receive, it moves them all.
    socket->failure = io.error;
    socket->events.readable.set();
    errno = io.error;
    return -1;
  }

  static void state(void* data, ares_socket_t fd, int, int writable) {
    Socket* const socket = channel(data).find(fd);
    if (socket == nullptr) return;
    if (writable != 0) {
      socket->wants_write.set();
    } else {
      socket->wants_write.clear();
    }
  }
};

AresChannel::AresChannel(Key, Loop& loop) : loop_(loop) {}

AresChannel::~AresChannel() {
  ares_.reset();  // calls back every query and closes every socket, which lands in retired_
}

Result<std::unique_ptr<AresChannel>> AresChannel::make(Loop& loop, const AresOptions& options) {
  SLUICE_CHECK(!options.servers.empty(), "c-ares without servers would ask 127.0.0.1");
  if (const int status = ares_library_init(ARES_LIB_INIT_ALL); status != ARES_SUCCESS)
    return fail(Code::kSystem, "c-ares: " + describe(status));
  auto made = std::make_unique<AresChannel>(Key(), loop);

  std::array<char, 2> dns_only = {'b', '\0'};
  in_addr placeholder{.s_addr = htonl(INADDR_LOOPBACK)};  // replaced below; keeps c-ares away from /etc/resolv.conf
  ares_options wanted{};
  wanted.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS;
  wanted.timeout = static_cast<int>(options.timeout.count());
  wanted.tries = options.tries;
  wanted.ndots = 1;
  wanted.servers = &placeholder;
  wanted.nservers = 1;
  wanted.lookups = dns_only.data();
  wanted.ednspsz = kUdpPayload;
  wanted.sock_state_cb = Hooks::state;
  wanted.sock_state_cb_data = made.get();
  const int order = options.order == ServerOrder::kRotating ? ARES_OPT_ROTATE : ARES_OPT_NOROTATE;
  const int mask = order | ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS | ARES_OPT_SERVERS |
                   ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB;
  ares_channel channel = nullptr;
  if (const int status = ares_init_options(&channel, &wanted, mask); status != ARES_SUCCESS)
    return fail(Code::kSystem, "c-ares: " + describe(status));
  made->ares_.reset(channel);
  static constexpr ares_socket_functions kFunctions = {.asocket = Hooks::open,
                                                       .aclose = Hooks::done_with,
                                                       .aconnect = Hooks::connect,
                                                       .arecvfrom = Hooks::receive,
                                                       .asendv = Hooks::send};
  ares_set_socket_functions(channel, &kFunctions, made.get());
  if (Result<> set = set_servers(channel, options.servers); !set) return fail(set.error());
  made->tasks_.spawn([self = made.get()] { return self->run(); });
  return made;
}

Task<> AresChannel::run() {
  for (;;) {
    retired_.clear();
    timeval left{};
    Deadline deadline;
    if (ares_timeout(ares_.get(), nullptr, &left) != nullptr)
      deadline = Deadline(steady_now() + std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec));
    const Wake wake = co_await work_.wait(loop_, deadline);
    work_.clear();
    if (wake == Wake::kTimeout) ares_process_fd(ares_.get(), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  }
}

Task<> AresChannel::read_from(Socket& socket) {
  while (!socket.closed) {
    co_await socket.events.readable.wait(loop_, Deadline::never());
    if (socket.closed) break;
    ares_process_fd(ares_.get(), socket.fd.get(), ARES_SOCKET_BAD);
    work_.set();
  }
}

Task<> AresChannel::write_to(Socket& socket) {
  while (!socket.closed) {
    co_await socket.wants_write.wait(loop_, Deadline::never());
    co_await socket.events.writable.wait(loop_, Deadline::never());
    if (socket.closed) break;
    ares_process_fd(ares_.get(), ARES_SOCKET_BAD, socket.fd.get());
    work_.set();
  }
}

AresChannel::Socket* AresChannel::find(int fd) {
  const auto found = std::ranges::find_if(sockets_, [fd](const auto& socket) { return socket->fd.get() == fd; });
  return found == sockets_.end() ? nullptr : found->get();
}

void AresChannel::retire(int fd) {
  const auto found = std::ranges::find_if(sockets_, [fd](const auto& socket) { return socket->fd.get() == fd; });
  SLUICE_CHECK(found != sockets_.end(), "c-ares closes a socket twice");
  (*found)->closed = true;
  retired_.push_back(std::move(*found));
  sockets_.erase(found);
  work_.set();
}

struct AresQuery::Ticket {
  AresChannel* channel;
  AresQuery* waiter;  // null once nobody waits
};

AresQuery::AresQuery(AresChannel& channel, const std::string& host, dns::Type type, Signal& progress)
    : host_(host), type_(type), progress_(progress), answer_(fail(Code::kInternal, "asked too early")) {
  constexpr int kInternet = 1;
  auto ticket = std::make_unique<Ticket>(&channel, this);
  ticket_ = ticket.get();
  ++channel.outstanding_;
  // may call back before it returns
  ares_query(channel.ares_.get(), host.c_str(), kInternet, static_cast<int>(type), answered, ticket.release());
  channel.work_.set();
}

AresQuery::~AresQuery() {
  if (ticket_ != nullptr) ticket_->waiter = nullptr;
}

void AresQuery::answered(void* argument, int status, int, unsigned char* message, int size) {
  const std::unique_ptr<Ticket> ticket(static_cast<Ticket*>(argument));
  --ticket->channel->outstanding_;
  if (ticket->waiter != nullptr) ticket->waiter->read(status, {message, static_cast<std::size_t>(std::max(size, 0))});
}

void AresQuery::read(int status, std::span<const std::uint8_t> message) {
  ticket_ = nullptr;
  progress_.set();
  if (status == ARES_ETIMEOUT) {
    answer_ = fail(Code::kDnsTimeout, "no DNS server answers");
  } else if (!message.empty() && status != ARES_ECONNREFUSED) {
    answer_ = dns::parse_answer(message, host_, type_);
  } else {
    answer_ = fail(Code::kDnsFailure, describe(status));
  }
}

}  // namespace sluice::worker
