// See probes.h.
#include "probes.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <vector>

namespace sluice::probe {
namespace {

template <class... A>
int call(long number, A... arguments) {
  return ::syscall(number, arguments...) >= 0 ? 0 : errno;
}

// clone and fork come back twice when they are allowed: the child leaves at once.
int call_forking(long number, unsigned long flags) {
  const long pid = ::syscall(number, flags, 0, 0, 0, 0);
  if (pid == 0) ::_exit(0);
  return pid > 0 ? 0 : errno;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int bind_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return errno;
  const sockaddr_in address = loopback(port);
  return call(SYS_bind, fd, &address, sizeof address);
}
int listen_unbound() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return errno;
  return call(SYS_listen, fd, 1);
}
int attach_filter() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) return errno;
  sock_filter accept_all{.code = BPF_RET, .jt = 0, .jf = 0, .k = 0xffff};
  const sock_fprog program{.len = 1, .filter = &accept_all};
  return call(SYS_setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}
int set_flags(int flags) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) return errno;
  const int result = call(SYS_fcntl, fd, F_SETFL, flags);
  ::close(fd);
  return result;
}
int read_parent() {
  char byte = 0;
  iovec here{.iov_base = &byte, .iov_len = 1};
  iovec there{.iov_base = &byte, .iov_len = 1};
  return call(SYS_process_vm_readv, ::getppid(), &here, 1UL, &there, 1UL,
              0UL);  // the last one goes by the stack, whole
}
int make_executable() {
  static char page[8192];
  const auto at = (reinterpret_cast<std::uintptr_t>(page) + 4095) & ~std::uintptr_t{4095};
  return call(SYS_mprotect, at, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
}
int exec_true() {
  const char* const argv[] = {"/bin/true", nullptr};
  return call(SYS_execve, argv[0], argv, nullptr);
}
int exec_descriptor() {
  const char* const argv[] = {"x", nullptr};
  return call(SYS_execveat, 3, "", argv, nullptr, AT_EMPTY_PATH);
}

constexpr Probe kForbidden[] = {
    {"open", [] { return call(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY); }},
    {"create", [] { return call(SYS_openat, AT_FDCWD, "/x", O_CREAT | O_RDWR, 0600); }},
    {"execve", exec_true},
    {"execveat", exec_descriptor},
    {"ptrace", [] { return call(SYS_ptrace, PTRACE_ATTACH, 2, 0, 0); }},
    {"fork", [] { return call_forking(SYS_clone, SIGCHLD); }},
    {"thread", [] { return call(SYS_clone3, nullptr, 0); }, Answer::kSeccompOnly},
    {"netlink", [] { return call(SYS_socket, AF_NETLINK, SOCK_RAW, 0); }, Answer::kSeccompOnly},
    {"unix-socket", [] { return call(SYS_socket, AF_UNIX, SOCK_STREAM, 0); }, Answer::kSeccompOnly},
    {"packet-socket", [] { return call(SYS_socket, AF_PACKET, SOCK_RAW, 0); }},
    {"raw-socket", [] { return call(SYS_socket, AF_INET, SOCK_RAW, IPPROTO_ICMP); }},
    {"vsock", [] { return call(SYS_socket, AF_VSOCK, SOCK_STREAM, 0); }, Answer::kSeccompOnly},
    {"mptcp", [] { return call(SYS_socket, AF_INET, SOCK_STREAM, 262); }, Answer::kSeccompOnly},
    {"bind-port", [] { return bind_to(49'321); }},
    {"bind-any-port", [] { return bind_to(0); }},
    {"listen", listen_unbound, Answer::kSeccompOnly},
    {"attach-filter", attach_filter, Answer::kSeccompOnly},
    {"blocking-mode", [] { return set_flags(0); }, Answer::kSeccompOnly},
    {"kill-other", [] { return call(SYS_kill, 2, SIGTERM); }},
    {"kill-everybody", [] { return call(SYS_kill, -1, 0); }, Answer::kSeccompOnly},
    {"tgkill-other", [] { return call(SYS_tgkill, 2, 2, SIGTERM); }},
    {"pidfd-open", [] { return call(SYS_pidfd_open, 2, 0); }},
    {"user-namespace", [] { return call(SYS_unshare, CLONE_NEWUSER); }},
    {"mount-namespace", [] { return call(SYS_unshare, CLONE_NEWNS); }},
    {"clone-user-namespace", [] { return call_forking(SYS_clone, SIGCHLD | CLONE_NEWUSER); }},
    {"setns", [] { return call(SYS_setns, 3, 0); }, Answer::kSeccompOnly},
    {"mount", [] { return call(SYS_mount, "none", "/", "tmpfs", 0, nullptr); }},
    {"chroot", [] { return call(SYS_chroot, "/"); }},
    {"mprotect-exec", make_executable, Answer::kSeccompOnly},
    {"mmap-exec",
     [] { return call(SYS_mmap, nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); },
     Answer::kSeccompOnly},
    {"process-vm-readv", read_parent},
    {"bpf", [] { return call(SYS_bpf, 0, nullptr, 0); }, Answer::kSeccompOnly},
    {"io-uring", [] { return call(SYS_io_uring_setup, 4, nullptr); }, Answer::kSeccompOnly},
    {"userfaultfd", [] { return call(SYS_userfaultfd, 0); }},
    {"perf", [] { return call(SYS_perf_event_open, nullptr, 0, -1, -1, 0); }, Answer::kSeccompOnly},
    {"keyctl", [] { return call(SYS_keyctl, 0, 0); }, Answer::kSeccompOnly},
    {"memfd", [] { return call(SYS_memfd_create, "x", 0); }, Answer::kSeccompOnly},
    {"setgroups", [] { return call(SYS_setgroups, 0, nullptr); }},
    {"prctl-dumpable", [] { return call(SYS_prctl, PR_SET_DUMPABLE, 1, 0, 0, 0); }, Answer::kSeccompOnly},
    {"shared-memory", [] { return call(SYS_shmget, IPC_PRIVATE, 4096, 0600); }, Answer::kSeccompOnly},
    {"sethostname", [] { return call(SYS_sethostname, "x", 1); }},
    {"raise-limits",
     [] {
       const unsigned long limit[2] = {1, 1};
       return call(SYS_prlimit64, 1, 4, limit, nullptr);
     },
     Answer::kSeccompOnly},
};

int tcp_connect() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const sockaddr_in address = loopback(9);
  const int result = call(SYS_connect, fd, &address, sizeof address);
  ::close(fd);
  return result == ECONNREFUSED || result == EINPROGRESS ? 0 : result;
}
int udp_query() {
  const int fd = ::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
  if (fd < 0) return errno == EAFNOSUPPORT ? 0 : errno;
  ::close(fd);
  return 0;
}
int big_memory() {
  const auto block = std::make_unique<std::vector<char>>(64U << 20, 'x');
  return (*block)[12345] == 'x' ? 0 : EFAULT;
}
int splice_pipe() {
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return errno;
  if (::fcntl(ends[0], F_SETPIPE_SZ, 1 << 16) < 0) return errno;
  return ::splice(ends[0], nullptr, ends[1], nullptr, 10, SPLICE_F_NONBLOCK) < 0 && errno != EAGAIN && errno != EINVAL
             ? errno
             : 0;
}
int no_delay() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
  const int on = 1;
  const int result = call(SYS_setsockopt, fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on);
  ::close(fd);
  return result;
}

constexpr Probe kNeeded[] = {
    {"connect", tcp_connect},
    {"udp", udp_query},
    {"memory", big_memory},
    {"splice", splice_pipe},
    {"no-delay", no_delay},
    {"non-blocking-mode", [] { return set_flags(O_NONBLOCK); }},
    {"random",
     [] {
       char byte = 0;
       return call(SYS_getrandom, &byte, 1, 0);
     }},
    {"time",
     [] {
       timespec now{};
       return call(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
     }},
};

}  // namespace

std::span<const Probe> forbidden() {
  return kForbidden;
}
std::span<const Probe> needed() {
  return kNeeded;
}

}  // namespace sluice::probe
