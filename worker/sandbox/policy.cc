// See policy.h. Masks are 32 bits wide where the kernel takes an int: it ignores the upper half, so the filter does
// too.
#include "worker/sandbox/policy.h"

#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/sanitizer.h"

namespace sluice::worker {
namespace {

using seccomp::Condition;
using seccomp::Row;

constexpr std::uint64_t kInt = 0xffffffff;
constexpr std::uint64_t kSocketType = kInt & ~static_cast<std::uint64_t>(SOCK_NONBLOCK | SOCK_CLOEXEC);

constexpr Row kPlain[] = {
    {SCMP_SYS(read), "data"},
    {SCMP_SYS(write), "data, log lines"},
    {SCMP_SYS(readv), "data"},
    {SCMP_SYS(writev), "data"},
    {SCMP_SYS(recvmsg), "the channel"},
    {SCMP_SYS(sendmsg), "the channel, vectored writes"},
    {SCMP_SYS(close), "descriptors"},
    {SCMP_SYS(epoll_wait), "the loop"},
    {SCMP_SYS(epoll_pwait), "the loop"},
    {SCMP_SYS(epoll_pwait2), "the loop, with nanoseconds"},
    {SCMP_SYS(epoll_ctl), "the loop"},
    {SCMP_SYS(poll), "the channel without the loop, at start and end"},
    {SCMP_SYS(ppoll), "the same, on machines without poll"},
    {SCMP_SYS(timerfd_settime), "the loop's precise timer"},
    {SCMP_SYS(clock_gettime), "time, where the vDSO cannot tell it"},
    {SCMP_SYS(gettimeofday), "time, where the vDSO cannot tell it"},
    {SCMP_SYS(getrandom), "DNS ids, keys"},
    {SCMP_SYS(munmap), "memory"},
    {SCMP_SYS(mremap), "memory; keeps the protection that mmap gave"},
    {SCMP_SYS(madvise), "giving memory back"},
    {SCMP_SYS(brk), "memory"},
    {SCMP_SYS(futex), "locks inside libraries"},
    {SCMP_SYS(rt_sigreturn), "the way out of a signal handler"},
    {SCMP_SYS(rt_sigprocmask), "abort"},
    {SCMP_SYS(rt_sigaction), "abort"},
    {SCMP_SYS(getpid), "abort"},
    {SCMP_SYS(gettid), "abort"},
    {SCMP_SYS(sysinfo), "qsort asks it how much memory it may take"},
    {SCMP_SYS(restart_syscall), "a call that a stopped process goes on with"},
    {SCMP_SYS(exit), "the end"},
    {SCMP_SYS(exit_group), "the end"},
};

// Of who serves connections.
constexpr Row kNetwork[] = {
    {SCMP_SYS(recvfrom), "data, DNS"},
    {SCMP_SYS(sendto), "data, DNS"},
    {SCMP_SYS(recvmmsg), "datagrams in batches"},
    {SCMP_SYS(sendmmsg), "datagrams in batches"},
    {SCMP_SYS(splice), "tunnels without copying"},
    {SCMP_SYS(pipe2), "the kernel buffer that splice needs"},
    {SCMP_SYS(accept4), "clients"},
    {SCMP_SYS(connect), "origins and DNS servers"},
    {SCMP_SYS(shutdown), "half-close"},
    {SCMP_SYS(getsockname), "own address, for hooks and logs"},
    {SCMP_SYS(getpeername), "peer's address"},
};

// Memory is never executable: code that an attacker writes cannot run.
constexpr Condition kNotExecutable[] = {{2, PROT_EXEC, 0}};

#define SLUICE_SOCKET(name, family, type, protocol) \
  constexpr Condition name[] = {{0, kInt, family}, {1, kSocketType, type}, {2, kInt, protocol}}
SLUICE_SOCKET(kTcp4, AF_INET, SOCK_STREAM, 0);
SLUICE_SOCKET(kTcp4Named, AF_INET, SOCK_STREAM, IPPROTO_TCP);
SLUICE_SOCKET(kTcp6, AF_INET6, SOCK_STREAM, 0);
SLUICE_SOCKET(kTcp6Named, AF_INET6, SOCK_STREAM, IPPROTO_TCP);
SLUICE_SOCKET(kUdp4, AF_INET, SOCK_DGRAM, 0);
SLUICE_SOCKET(kUdp4Named, AF_INET, SOCK_DGRAM, IPPROTO_UDP);
SLUICE_SOCKET(kUdp6, AF_INET6, SOCK_DGRAM, 0);
SLUICE_SOCKET(kUdp6Named, AF_INET6, SOCK_DGRAM, IPPROTO_UDP);
#undef SLUICE_SOCKET

// By descriptor only: with this flag and an empty path, which is how the C library asks; a path would lead nowhere.
constexpr Condition kDescriptorOnly[] = {{3, kInt, AT_EMPTY_PATH}};

// Listening sockets are shared with workers to come, which must not wait in accept(2).
constexpr Condition kNonBlocking[] = {{1, kInt, F_SETFL}, {2, O_NONBLOCK, O_NONBLOCK}};

constexpr Row kWithConditions[] = {
    {SCMP_SYS(fcntl), "non-blocking mode", kNonBlocking},
    {SCMP_SYS(fstat), "the size of a memfd before it is mapped"},
    {SCMP_SYS(newfstatat), "the same, as the C library calls it", kDescriptorOnly},
    {SCMP_SYS(mmap), "memory", kNotExecutable},
    {SCMP_SYS(mprotect), "memory", kNotExecutable},
};

constexpr Row kSockets[] = {
    {SCMP_SYS(socket), "TCP over IPv4", kTcp4}, {SCMP_SYS(socket), "TCP over IPv4", kTcp4Named},
    {SCMP_SYS(socket), "TCP over IPv6", kTcp6}, {SCMP_SYS(socket), "TCP over IPv6", kTcp6Named},
    {SCMP_SYS(socket), "UDP over IPv4", kUdp4}, {SCMP_SYS(socket), "UDP over IPv4", kUdp4Named},
    {SCMP_SYS(socket), "UDP over IPv6", kUdp6}, {SCMP_SYS(socket), "UDP over IPv6", kUdp6Named},
};

// Of who has keys: it reads their files by descriptors, which it shares with others of its kind.
constexpr Row kForKeys[] = {
    {SCMP_SYS(pread64), "key files"},
};

// Only with `source_addresses`. The filter cannot see the port; Landlock refuses every port but 0, and without
// listen(2) nobody can be waited for at any. The lengths are those of IPv4 and IPv6 addresses.
constexpr Condition kInet4Length[] = {{2, kInt, sizeof(sockaddr_in)}};
constexpr Condition kInet6Length[] = {{2, kInt, sizeof(sockaddr_in6)}};
constexpr Row kForSources[] = {
    {SCMP_SYS(bind), "the source address of a connection", kInet4Length},
    {SCMP_SYS(bind), "the source address of a connection", kInet6Length},
};

struct Option {
  int level;
  int name;
  std::string_view why;
};
// No packet filters (SO_ATTACH_…), no multicast, no other protocol on top (TCP_ULP), nothing that concerns other
// sockets.
constexpr Option kSetOptions[] = {
    {SOL_SOCKET, SO_KEEPALIVE, "finding dead peers"},
    {SOL_SOCKET, SO_LINGER, "resetting instead of closing"},
    {SOL_SOCKET, SO_RCVBUF, "buffer limits"},
    {SOL_SOCKET, SO_SNDBUF, "buffer limits"},
    {SOL_SOCKET, SO_RCVLOWAT, "fewer wake-ups"},
    {IPPROTO_TCP, TCP_NODELAY, "latency"},
    {IPPROTO_TCP, TCP_CORK, "whole segments"},
    {IPPROTO_TCP, TCP_QUICKACK, "latency"},
    {IPPROTO_TCP, TCP_KEEPIDLE, "finding dead peers"},
    {IPPROTO_TCP, TCP_KEEPINTVL, "finding dead peers"},
    {IPPROTO_TCP, TCP_KEEPCNT, "finding dead peers"},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, "finding dead peers"},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, "bounded memory in the kernel"},
    {IPPROTO_TCP, TCP_FASTOPEN_CONNECT, "a round trip less"},
    {IPPROTO_IP, IP_TOS, "marking"},
    {IPPROTO_IP, IP_RECVERR, "ICMP errors of DNS servers"},
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, "source ports that are shared"},
    {IPPROTO_IPV6, IPV6_TCLASS, "marking"},
    {IPPROTO_IPV6, IPV6_RECVERR, "ICMP errors of DNS servers"},
};
constexpr Option kGetOptions[] = {
    {SOL_SOCKET, SO_ERROR, "the outcome of connect"},
    {SOL_SOCKET, SO_TYPE, "what a passed socket is"},
    {SOL_SOCKET, SO_DOMAIN, "what a passed socket is"},
    {SOL_SOCKET, SO_PROTOCOL, "what a passed socket is"},
    {SOL_SOCKET, SO_PEERCRED, "who is at the other end of a UNIX socket"},
    {SOL_SOCKET, SO_SNDBUF, "buffer limits"},
    {SOL_SOCKET, SO_RCVBUF, "buffer limits"},
    {IPPROTO_TCP, TCP_INFO, "round-trip times for logs"},
};
constexpr Option kFcntl[] = {
    {F_GETFL, 0, "non-blocking mode"},
    {F_GETFD, 0, "close-on-exec"},
    {F_SETFD, 0, "close-on-exec"},
    {F_DUPFD_CLOEXEC, 0, "a second owner"},
    {F_SETPIPE_SZ, 0, "the size of splice's buffer"},
    {F_GETPIPE_SZ, 0, "the size of splice's buffer"},
    {F_GET_SEALS, 0, "looking at a memfd before mapping it"},
};

// A report of AddressSanitizer or UBSan looks at the memory map and asks whether descriptor 2 is a terminal. The empty
// root and Landlock answer for these; the product's build has none of them.
constexpr Condition kTerminal[] = {{1, kInt, TCGETS}};
constexpr Row kForSanitizers[] = {
    {SCMP_SYS(openat), "sanitizer: memory map"},
    {SCMP_SYS(open), "sanitizer: memory map"},
    {SCMP_SYS(readlink), "sanitizer: program name"},
    {SCMP_SYS(readlinkat), "sanitizer: program name"},
    {SCMP_SYS(newfstatat), "sanitizer"},
    {SCMP_SYS(stat), "sanitizer"},

    {SCMP_SYS(lseek), "sanitizer"},
    {SCMP_SYS(sigaltstack), "sanitizer: stacks"},
    {SCMP_SYS(sched_yield), "sanitizer: locks"},
    {SCMP_SYS(prlimit64), "sanitizer: stack size"},
    {SCMP_SYS(getrlimit), "sanitizer: stack size"},
    {SCMP_SYS(sched_getaffinity), "sanitizer"},
    {SCMP_SYS(ioctl), "sanitizer: colours", kTerminal},
};

struct Policy {
  std::vector<std::array<Condition, 3>> conditions;
  std::vector<Row> rows;

  void add_options(int call, std::span<const Option> options) {
    for (const Option& one : options) {
      conditions.push_back(
          {{{1, kInt, static_cast<std::uint64_t>(one.level)}, {2, kInt, static_cast<std::uint64_t>(one.name)}, {}}});
      rows.push_back({call, one.why, std::span(conditions.back()).first(2)});
    }
  }

  explicit Policy(Sources sources) {
    conditions.reserve(std::size(kSetOptions) + std::size(kGetOptions) + std::size(kFcntl) +
                       1);  // the rows point into it
    rows.assign(std::begin(kPlain), std::end(kPlain));
    rows.insert(rows.end(), std::begin(kWithConditions), std::end(kWithConditions));
    if (sources == Sources::kNone) {
      rows.insert(rows.end(), std::begin(kForKeys), std::end(kForKeys));
    } else {
      rows.insert(rows.end(), std::begin(kNetwork), std::end(kNetwork));
      rows.insert(rows.end(), std::begin(kSockets), std::end(kSockets));
      add_options(SCMP_SYS(setsockopt), kSetOptions);
      add_options(SCMP_SYS(getsockopt), kGetOptions);
    }
    for (const Option& one : kFcntl) {
      conditions.push_back({{{1, kInt, static_cast<std::uint64_t>(one.level)}, {}, {}}});
      rows.push_back({SCMP_SYS(fcntl), one.why, std::span(conditions.back()).first(1)});
    }
    // abort() and the fatal signal handlers signal themselves; no other process, ever
    conditions.push_back({{{0, kInt, static_cast<std::uint64_t>(::getpid())}, {}, {}}});
    rows.push_back({SCMP_SYS(tgkill), "abort", std::span(conditions.back()).first(1)});
    if (sources == Sources::kChosen) rows.insert(rows.end(), std::begin(kForSources), std::end(kForSources));
    if (kSanitized) rows.insert(rows.end(), std::begin(kForSanitizers), std::end(kForSanitizers));
  }
};

}  // namespace

std::span<const seccomp::Row> worker_policy(Sources sources) {
  static const Policy policy(sources);  // a process enters its sandbox once
  return policy.rows;
}

}  // namespace sluice::worker
