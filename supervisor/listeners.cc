// See listeners.h.
#include "supervisor/listeners.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "base/net/local_address.h"
#include "base/sys.h"

namespace sluice::supervisor {
namespace {

Result<Fd> bind_tcp(const ListenAddress& listen) {
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
  return fd;
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

// A worker shares the socket: one in somebody else's hands can shut it down or connect it, and nobody gets in any more.
bool listens(int fd) {
  int yes = 0;
  socklen_t size = sizeof yes;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size) == 0 && yes != 0;
}
bool shut(int fd) {
  pollfd look{.fd = fd, .events = POLLRDHUP, .revents = 0};
  return ::poll(&look, 1, 0) > 0 && (look.revents & (POLLRDHUP | POLLHUP)) != 0;
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

std::vector<BoundAddress::Socket> BoundAddress::sockets_of(std::uint32_t worker, std::uint32_t workers,
                                                           Which which) const {
  if (unix_ != nullptr) return {{.number = unix_number_, .fd = unix_->fd()}};
  const std::size_t count = which == Which::kAll ? sockets_.size() : listening_;
  std::vector<Socket> its;
  for (std::size_t i = worker; i < count; i += workers)
    its.push_back({.number = sockets_[i].number, .fd = sockets_[i].fd.get()});
  return its;
}

std::vector<std::uint32_t> BoundAddress::numbers() const {
  if (unix_ != nullptr) return {unix_number_};
  std::vector<std::uint32_t> all;
  for (const Own& socket : sockets_) all.push_back(socket.number);
  return all;
}

Result<> BoundAddress::listen(int backlog) {
  const bool is_unix = listen_.address.is_unix();
  if (!is_unix && sockets_.empty()) return fail(Code::kUnavailable, "no socket is left for " + bound_);
  if (arrivals_ == Arrivals::kMaybeRefused)
    for (const Own& socket : sockets_) (void)sys::set_option(socket.fd.get(), SOL_SOCKET, SO_DETACH_FILTER, 0);
  arrivals_ = Arrivals::kWelcome;
  if (is_unix) return unix_ != nullptr ? mend_unix(backlog) : bind_unix(backlog);
  const bool same = backlog == backlog_;  // as in most upgrades: then only looked at
  backlog_ = -1;
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    const bool listened = i < listening_;
    if (listened && !listens(sockets_[i].fd.get())) {
      if (Result<> bound = bind_anew(sockets_[i]); !bound) return bound;
    } else if (listened && same) {
      continue;
    }
    if (::listen(sockets_[i].fd.get(), backlog) == 0) continue;
    // somebody has connected it
    if (Result<> bound = bind_anew(sockets_[i]); !bound) return bound;
    if (::listen(sockets_[i].fd.get(), backlog) != 0)
      return fail(Error::from_errno(errno, "listen").during("listening on " + bound_));
  }
  listening_ = sockets_.size();
  backlog_ = backlog;
  return {};
}

Result<> BoundAddress::bind_anew(Own& socket) {
  Result<Fd> fd = bind_tcp(listen_);
  if (!fd) return fail(std::move(fd).error().during("listening again on " + bound_));
  socket = {.number = (*next_number_)++, .fd = *std::move(fd)};
  return {};
}

Result<> BoundAddress::bind_unix(int backlog) {
  Result<UnixListener> socket = UnixListener::bind(std::string(listen_.address.path()),
                                                   {.mode = unix_mode_, .backlog = backlog, .others = unix_others_});
  if (!socket) return fail(std::move(socket).error());
  unix_ = std::make_unique<UnixListener>(*std::move(socket));
  unix_number_ = (*next_number_)++;
  return {};
}

Result<> BoundAddress::mend_unix(int backlog) {
  if (!shut(unix_->fd())) return {};
  struct stat info{};
  constexpr mode_t kPermissions = 07777;
  if (::lstat(unix_->path().c_str(), &info) != 0) return fail_errno(errno, unix_->path());
  Result<UnixListener> anew = UnixListener::bind(
      unix_->path(),
      {.mode = info.st_mode & kPermissions, .backlog = backlog, .others = UnixListener::Others::kReplace});
  if (!anew) return fail(std::move(anew).error().during("listening again on " + bound_));
  unix_ = std::make_unique<UnixListener>(*std::move(anew));
  unix_number_ = (*next_number_)++;
  return {};
}

struct BoundAddress::Claim {
  explicit Claim(std::shared_ptr<BoundAddress> whose)
      : address(std::move(whose)), place(address->claims_.insert(address->sockets_.size())) {}
  Claim(Claim&&) = delete;
  ~Claim() {
    address->claims_.erase(place);
    address->trim();
  }
  std::shared_ptr<BoundAddress> address;
  std::multiset<std::size_t>::iterator place;
};

// Several generations can wait for their turn at the same time: one that has failed and is stopping, and the next.
void BoundAddress::trim() {
  const std::size_t most = std::max(listening_, claims_.empty() ? 0 : *claims_.rbegin());
  if (sockets_.size() > most) sockets_.resize(most);
}

// A socket filter sees the TCP header first; byte 13 has the flags. An opening SYN is dropped and not refused: its
// sender asks again, and by then nobody listens any more.
void BoundAddress::refuse_new() {
  constexpr std::uint32_t kFlags = 13;
  constexpr std::uint32_t kSyn = 0x02;
  constexpr std::uint32_t kEverything = 0xffffffff;
  sock_filter code[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlags), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, kSyn, 0, 1),
                        BPF_STMT(BPF_RET | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, kEverything)};
  const sock_fprog program{.len = std::size(code), .filter = code};
  for (const Own& socket : sockets_)
    (void)::setsockopt(socket.fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  arrivals_ = Arrivals::kMaybeRefused;
}

void BoundAddress::close() {
  sockets_.clear();
  listening_ = 0;
  unix_.reset();
  ++*next_number_;  // what there is has changed
}

Result<std::shared_ptr<BoundAddress>> ListeningSockets::acquire(const std::string& key,
                                                                const BoundAddress::Request& request) {
  const std::string step = "listening on " + request.configured;
  if (std::shared_ptr<BoundAddress> known = known_[key].lock()) {
    if (growth_ == Growth::kNone) return claimed(std::move(known));
    if (Result<> grown = grow(*known, request.workers); !grown) {
      known->trim();
      return fail(std::move(grown).error().during(step));
    }
    return claimed(std::move(known));
  }
  Result<ListenAddress> listen = ListenAddress::parse(request.configured);
  if (!listen) return fail(std::move(listen).error().during(step));
  std::shared_ptr<BoundAddress> bound = std::unique_ptr<BoundAddress>(new BoundAddress());
  bound->configured_ = request.configured;
  bound->bound_ = request.configured;
  bound->listen_ = *std::move(listen);
  bound->next_number_ = next_number_;
  if (bound->listen_.address.is_unix()) {
    bound->unix_mode_ = request.unix_mode;
    bound->unix_others_ =
        company_ == Company::kOrphans ? UnixListener::Others::kReplace : UnixListener::Others::kRespect;
    // an orphan's clients are its own until we can serve them: its file goes when we listen
    if (company_ == Company::kNone)
      if (Result<> made = bound->bind_unix(request.backlog); !made) return fail(std::move(made).error().during(step));
  } else {
    // what we hold ourselves at that port (another address of the machine, or all of them) is no stranger
    if (company_ == Company::kNone && !ours(bound->listen_.address.port()))
      if (Result<> free = nobody_there(bound->listen_); !free) return fail(std::move(free).error().during(step));
    if (Result<> grown = grow(*bound, request.workers); !grown) return fail(std::move(grown).error().during(step));
  }
  known_[key] = bound;
  return claimed(std::move(bound));
}

std::shared_ptr<BoundAddress> ListeningSockets::claimed(std::shared_ptr<BoundAddress> address) {
  BoundAddress* const whose = address.get();
  return {std::make_shared<BoundAddress::Claim>(std::move(address)), whose};
}

Result<> ListeningSockets::grow(BoundAddress& address, std::uint32_t workers) {
  if (address.listen_.address.is_unix()) return {};  // listen() binds it
  while (address.sockets_.size() < workers) {
    Result<Fd> fd = bind_tcp(address.listen_);
    if (!fd) return fail(std::move(fd).error());
    if (address.sockets_.empty()) {
      Result<SocketAddress> real = local_address(fd->get());
      if (!real) return fail(std::move(real).error());
      address.listen_.address = *real;
      address.bound_ = real->text();
    }
    address.sockets_.push_back({.number = take_number(), .fd = *std::move(fd)});
  }
  return {};
}

void ListeningSockets::leave_files() {
  for (const auto& [key, known] : known_)
    if (const std::shared_ptr<BoundAddress> address = known.lock(); address != nullptr && address->unix_ != nullptr)
      address->unix_->leave_file();
}

bool ListeningSockets::ours(std::uint16_t port) {
  std::erase_if(known_, [](const auto& one) { return one.second.expired(); });
  return std::ranges::any_of(known_, [&](const auto& one) {
    const std::shared_ptr<BoundAddress> address = one.second.lock();
    return address->unix_ == nullptr && address->listen_.address.port() == port;
  });
}

}  // namespace sluice::supervisor
