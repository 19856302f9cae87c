// See datagrams.h.
#include "supervisor/datagrams.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/net/local_address.h"
#include "base/sys.h"

namespace sluice::supervisor {
namespace {

constexpr int kReceiveBuffer = 1 << 20;  // room for what comes while readers change; cut to net.core.rmem_max

constexpr int kMailboxBuffer = 4 << 20;  // what is passed on while a worker does something else

enum class Group : std::uint8_t { kJoin, kAlone };

Result<Fd> bind_udp(const ListenAddress& listen, Group group) {
  const bool v6 = listen.address.ip().is_v6();
  const bool dual = listen.families == ListenAddress::Families::kDual;
  Result<Fd> fd = sys::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, IPPROTO_UDP);
  if (!fd) return fd;
  struct Option {
    int level;
    int name;
    int value;
    bool wanted;
  };
  // no SO_REUSEADDR: it would let two UDP sockets share an address without being one group
  const Option options[] = {{SOL_SOCKET, SO_REUSEPORT, 1, group == Group::kJoin},
                            {IPPROTO_IPV6, IPV6_V6ONLY, dual ? 0 : 1, v6},
                            {IPPROTO_IP, IP_PKTINFO, 1, !v6 || dual},
                            {IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, v6}};
  for (const Option& option : options) {
    if (!option.wanted) continue;
    if (Result<> set = sys::set_option(fd->get(), option.level, option.name, option.value); !set)
      return fail(std::move(set).error());
  }
  if (!sys::set_option(fd->get(), SOL_SOCKET, SO_RCVBUFFORCE, kReceiveBuffer))
    (void)sys::set_option(fd->get(), SOL_SOCKET, SO_RCVBUF, kReceiveBuffer);
  const RawAddress raw = listen.address.raw();
  if (::bind(fd->get(), raw.get(), raw.size) != 0) return fail_errno(errno, "bind");
  return fd;
}

}  // namespace

Result<MailboxPair> make_mailbox() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
    return fail_errno(errno, "socketpair");
  MailboxPair pair{.inbox = Fd(ends[0]), .outbox = Fd(ends[1])};
  if (!sys::set_option(pair.outbox.get(), SOL_SOCKET, SO_SNDBUFFORCE, kMailboxBuffer))
    (void)sys::set_option(pair.outbox.get(), SOL_SOCKET, SO_SNDBUF, kMailboxBuffer);
  return pair;
}

DatagramAddress::~DatagramAddress() {
  if (steered_) steering_.remove_address(index_);
}

DatagramShare::DatagramShare(std::shared_ptr<DatagramAddress> address, std::string configured, std::uint64_t generation)
    : address_(std::move(address)), configured_(std::move(configured)), generation_(generation) {
  address_->shares_.push_back(this);
}

DatagramShare::~DatagramShare() {
  std::erase(address_->shares_, this);
  if (address_->steered_) address_->steering_.remove(address_->index_, generation_);
}

// With fewer workers than sockets each reads several; with more, those beyond are given a part of a reader's flows and
// answer through its socket.
std::vector<DatagramShare::Socket> DatagramShare::sockets_of(std::uint32_t worker, std::uint32_t workers,
                                                             Turn turn) const {
  std::vector<Socket> its;
  if (worker < own_.size())
    its.push_back({.number = own_[worker].number,
                   .fd = own_[worker].fd.get(),
                   .duty = ipc::Duty::kRead,
                   .place = 0,
                   .places = 0});
  const std::vector<DatagramAddress::Own>& shared = address_->shared_;
  const auto places = static_cast<std::uint32_t>(shared.size());
  const bool wait = turn == Turn::kNext && !first_;
  for (std::uint32_t place = 0; place < places; ++place) {
    const bool mine = workers < places ? place % workers == worker : worker % places == place;
    if (!mine) continue;
    its.push_back({.number = shared[place].number,
                   .fd = shared[place].fd.get(),
                   .duty = wait ? ipc::Duty::kReadAfter : ipc::Duty::kRead,
                   .place = static_cast<std::uint16_t>(place),
                   .places = static_cast<std::uint16_t>(places)});
  }
  return its;
}

std::vector<std::uint32_t> DatagramShare::numbers() const {
  std::vector<std::uint32_t> all;
  for (const DatagramAddress::Own& socket : own_) all.push_back(socket.number);
  for (const DatagramAddress::Own& socket : address_->shared_) all.push_back(socket.number);
  return all;
}

void DatagramShare::steer_away(std::uint32_t worker) {
  if (address_->steered_) address_->steering_.steer_away(address_->index_, generation_, worker);
}

Result<std::unique_ptr<DatagramShare>> DatagramSockets::acquire(const Request& request) {
  Result<std::unique_ptr<DatagramShare>> share = make_share(request);
  if (!share) return fail(std::move(share).error().during("UDP on " + request.configured));
  return share;
}

Result<std::unique_ptr<DatagramShare>> DatagramSockets::make_share(const Request& request) {
  if (Result<> decided = steering_.decide(request.steering); !decided) return fail(std::move(decided).error());
  const bool bpf = steering_.kind() == Steering::Kind::kBpf;
  if (auto left = left_.extract({request.key, request.generation}); !left.empty()) {
    const std::shared_ptr<DatagramAddress> known = known_[request.key].lock();
    if (known == nullptr) return fail(Code::kInternal, "sockets without an address");
    auto share = std::make_unique<DatagramShare>(known, request.configured, request.generation);
    share->own_ = std::move(left.mapped());
    return share;
  }
  Fd first;
  Result<std::shared_ptr<DatagramAddress>> address = find_or_bind(request, first);
  if (!address) return fail(std::move(address).error());
  auto share = std::make_unique<DatagramShare>(*address, request.configured, request.generation);
  share->first_ = static_cast<bool>(first);
  std::vector<DatagramAddress::Own>& sockets = bpf ? share->own_ : (*address)->shared_;
  if (first) sockets.push_back({.number = numbers_.take_number(), .fd = std::move(first)});
  const bool grows = bpf || share->first_;
  while (grows && sockets.size() < request.workers) {
    Result<Fd> fd = bind_udp((*address)->listen_, Group::kJoin);
    if (!fd) return fail(std::move(fd).error());
    sockets.push_back({.number = numbers_.take_number(), .fd = *std::move(fd)});
  }
  if (!bpf) return share;
  std::vector<int> fds;
  for (const DatagramAddress::Own& socket : sockets) fds.push_back(socket.fd.get());
  if (Result<> added = steering_.add((*address)->index_, request.generation, fds, request.idle_seconds); !added)
    return fail(std::move(added).error());
  return share;
}

// A new address comes with its first socket. The program is attached before the second can join the group.
Result<std::shared_ptr<DatagramAddress>> DatagramSockets::find_or_bind(const Request& request, Fd& first) {
  if (std::shared_ptr<DatagramAddress> known = known_[request.key].lock()) return known;
  Result<ListenAddress> listen = ListenAddress::parse(request.configured);
  if (!listen) return fail(std::move(listen).error());
  auto address = std::make_shared<DatagramAddress>(steering_, *std::move(listen));
  // SO_REUSEPORT would let us join a stranger's group, as for TCP. That of orphans we join: a program that steers is
  // then replaced by ours, which knows the new sockets only.
  const std::uint16_t port = address->listen_.address.port();
  if (port != 0 && !ours(port) && !numbers_.has_orphans())
    if (Result<Fd> probe = bind_udp(address->listen_, Group::kAlone); !probe) return fail(std::move(probe).error());
  Result<Fd> fd = bind_udp(address->listen_, Group::kJoin);
  if (!fd) return fail(std::move(fd).error());
  Result<SocketAddress> real = local_address(fd->get());
  if (!real) return fail(std::move(real).error());
  address->listen_.address = *real;
  address->configured_ = request.configured;
  address->bound_ = real->text();
  if (steering_.kind() == Steering::Kind::kBpf) {
    Result<std::uint32_t> index = steering_.add_address(fd->get());
    if (!index) return fail(std::move(index).error());
    address->index_ = *index;
    address->steered_ = true;
  }
  first = *std::move(fd);
  known_[request.key] = address;
  return address;
}

bool DatagramSockets::ours(std::uint16_t port) const {
  return std::ranges::any_of(known_, [&](const auto& one) {
    const std::shared_ptr<DatagramAddress> address = one.second.lock();
    return address != nullptr && address->listen_.address.port() == port;
  });
}

}  // namespace sluice::supervisor
