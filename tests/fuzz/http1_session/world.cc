// See world.h.
#include "tests/fuzz/http1_session/world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <span>

#include "base/check.h"
#include "base/sys.h"
#include "worker/policy.h"

namespace sluice::fuzz {
namespace {
constexpr std::uint16_t kPort = 8080;

// An address of its own for each process, so that several may fuzz at a time.
in_addr_t own_address() {
  const auto pid = static_cast<std::uint32_t>(::getpid());
  return htonl(0x7f000000U | ((pid & 0xffffU) << 8U) | 1U);
}

Fd listen_here() {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  address.sin_addr.s_addr = own_address();
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  SLUICE_CHECK(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0, "no address to listen on");
  SLUICE_CHECK(::listen(fd.get(), 64) == 0, "cannot listen");
  return fd;
}

template <class T>
T sure(Result<T> result) {
  SLUICE_CHECK(result.has_value(), "the world cannot be made");
  return *std::move(result);
}

std::unique_ptr<worker::Resolver> make_resolver(Loop& loop) {
  worker::ResolverOptions options;
  std::array<std::uint8_t, 4> bytes{};
  const in_addr_t own = own_address();
  std::memcpy(bytes.data(), &own, sizeof own);
  options.hosts["o"] = {IpAddress(bytes)};
  return sure(worker::Resolver::make(loop, std::move(options)));
}

ipc::TenantSettings make_settings() {
  ipc::TenantSettings settings;
  settings.upstreams.resize(1);
  settings.upstreams[0].name = "origin";
  settings.upstreams[0].servers = {"o:8080"};
  settings.endpoints.resize(2);
  for (ipc::EndpointSettings& endpoint : settings.endpoints) {
    endpoint.name = "web";
    endpoint.http.via = "fuzz";
    endpoint.http.versions = {ipc::HttpVersion::kHttp1};
    endpoint.http.head_limit = Size::kib(4);
    endpoint.http.request_line_limit = Size(1024);
    endpoint.http.body_limit = Size::kib(16);
    endpoint.http.request_timeout = Millis(30'000);
  }
  settings.endpoints[0].routes = {{.hosts = {}, .path = "/", .upstream = "origin"}};
  settings.endpoints[1].mode = ipc::Mode::kForward;
  settings.endpoints[1].http.request_timeout = Millis(0);
  settings.endpoints[1].connect.ports = {};
  return settings;
}
}  // namespace

void Peer::send(std::string_view bytes) const {
  if (fd) static_cast<void>(sys::send(fd.get(), bytes, MSG_NOSIGNAL));
}

void Peer::receive() {
  if (!fd || ended) return;
  std::array<char, 16384> space{};
  for (;;) {
    const sys::Io io = sys::recv(fd.get(), space, 0);
    if (io.again()) return;
    if (io.failed() || io.bytes == 0) {
      ended = true;
      return;
    }
    received.append(space.data(), io.bytes);
  }
}

void Peer::end() const {
  if (fd) sys::shutdown(fd.get(), SHUT_WR);
}

void Peer::reset() {
  receive();
  if (!fd) return;
  const linger abort{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  fd = Fd();
  ended = true;
}

World& World::get() {
  static World world;
  return world;
}

World::World()
    : settings(make_settings()),
      log_(silence_, LogLevel::kError),
      listener_(listen_here()),
      slab_memory_(sure(ipc::make_slab("fuzz", 64))),
      slab_(sure(ipc::Slab::attach(slab_memory_.get()))),
      writer_(slab_),
      table_(slab_),
      names_{.endpoints = {"web", "web2"}, .upstreams = {"origin"}},
      metrics_(writer_, names_),
      access_log_(silence_, settings.access_log, names_),
      resolver_(make_resolver(loop)),
      egress_(worker::EgressRules{.private_ranges = worker::PrivateRanges::kAllowed}),
      limits_(settings.limits, sure(worker::Limits::source_limits(settings.limits.source))) {}

Fd World::accept() const {
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  return std::move(sys::accept(listener_.get(), peer, length).fd);
}

namespace {
std::array<Fd, 2> pair() {
  std::array<int, 2> fds{};
  SLUICE_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0, "no socket pair");
  return {Fd(fds[0]), Fd(fds[1])};
}
}  // namespace

Life::Life(World& world, Kind kind)
    : world_(world),
      pool_(world.loop, world.log_, world.metrics_, world.settings.forward),
      policy_(sure(worker::make_policy(std::make_shared<const ipc::TenantSettings>(world.settings),
                                       {.pool = pool_, .names = world.names_, .trust = nullptr}))),
      signer_(world.loop),
      services_{.loop = world.loop,
                .log = world.log_,
                .settings = world.settings,
                .policy = policy_,
                .hooks = world.hooks_,
                .resolver = *world.resolver_,
                .egress_policy = world.egress_,
                .limits = world.limits_,
                .signer = signer_,
                .tickets = tickets_,
                .pool = pool_,
                .access_log = world.access_log_,
                .metrics = world.metrics_,
                .table = world.table_,
                .handover = world.handover_,
                .shed = world.shed_,
                .draining = world.draining_},
      endpoint_(kind == Kind::kForward ? 1 : 0),
      connection_({}, world.table_.add(SocketAddress(), 0, 0), world.loop.now()) {
  pool_.adopt(policy_->upstreams, policy_->settings->upstreams, policy_->tls);
  std::array<Fd, 2> ends = pair();
  client_ = std::make_unique<Peer>(std::move(ends[0]));
  stream_ = std::make_unique<worker::SocketStream>(world.loop, std::move(ends[1]));
  scope_.spawn([this] { return serve(); });
}

Life::~Life() {
  scope_.cancel();
  for (const auto& origin : origins_) origin->reset();
}

Task<> Life::serve() {
  {
    worker::Http1Session session(services_, endpoint_, connection_, *stream_);
    co_await session.run();
  }
  stream_.reset();
  over_ = true;
}

void Life::look() {
  while (Fd fd = world_.accept()) origins_.push_back(std::make_unique<Peer>(std::move(fd)));
  client_->receive();
  for (const auto& origin : origins_) origin->receive();
}

Task<> Life::turn(int times) {
  for (int i = 0; i < times; ++i) {
    co_await world_.loop.yield();
    look();
  }
}

}  // namespace sluice::fuzz
