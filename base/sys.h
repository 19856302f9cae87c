// The system calls of the data path and of IPC, as Result-returning functions: EINTR is retried, EAGAIN is a value of
// its own, and every call can be made to fail by a test (sys::inject), which is how tests/faults walks through "the
// n-th call fails". Calls that only happen once at start (mount, capset, …) stay in their own files.
#pragma once
#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/fd.h"
#include "base/result.h"

namespace sluice::sys {

/// What a read, write or accept on a non-blocking descriptor came to.
struct Io {
  enum class Kind : std::uint8_t { kDone, kAgain, kFailed };
  Kind kind;
  int error = 0;          ///< errno of kFailed
  std::size_t bytes = 0;  ///< of kDone; 0 from a read means end of stream

  [[nodiscard]] bool done() const { return kind == Kind::kDone; }
  [[nodiscard]] bool again() const { return kind == Kind::kAgain; }
  [[nodiscard]] bool failed() const { return kind == Kind::kFailed; }
};

[[nodiscard]] Io read(int fd, std::span<char> into);
[[nodiscard]] Io write(int fd, std::span<const char> from);
[[nodiscard]] Io recv(int fd, std::span<char> into, int flags);
/// Never raises SIGPIPE.
[[nodiscard]] Io send(int fd, std::span<const char> from, int flags);
[[nodiscard]] Io send_vector(int fd, std::span<const iovec> from, int flags);
[[nodiscard]] Io sendmsg(int fd, const msghdr& message, int flags);
/// Most descriptors that one message carries (SCM_MAX_FD of the kernel).
inline constexpr std::size_t kMostRights = 253;
/// With copies of the descriptors (SCM_RIGHTS), kMostRights at most.
[[nodiscard]] Io send_rights(int fd, std::span<const char> from, std::span<const int> rights, int flags);
[[nodiscard]] Io recvmsg(int fd, msghdr& message, int flags);
[[nodiscard]] Io splice(int from, int to, std::size_t most, unsigned flags);

struct Accepted {
  Fd fd;          ///< non-blocking, close-on-exec; empty when nothing is there or the call failed
  int error = 0;  ///< errno, EAGAIN when nobody waits
};
[[nodiscard]] Accepted accept(int listener, sockaddr_storage& peer, socklen_t& length);
/// Our end of a connection.
[[nodiscard]] Result<> local_name(int fd, sockaddr_storage& name, socklen_t& length);
/// The other end of a connection. Errors: also when it is gone.
[[nodiscard]] Result<> peer_name(int fd, sockaddr_storage& name, socklen_t& length);
/// Non-blocking, close-on-exec.
[[nodiscard]] Result<Fd> socket(int family, int type, int protocol);
/// EINPROGRESS counts as success: wait for writable, then ask pending_error().
[[nodiscard]] Result<> connect(int fd, const sockaddr* address, socklen_t length);
/// To an address of our own, before connecting.
[[nodiscard]] Result<> bind(int fd, const sockaddr* address, socklen_t length);
/// SO_ERROR, which reading also clears.
[[nodiscard]] int pending_error(int fd);
[[nodiscard]] Result<> set_option(int fd, int level, int name, int value);
void shutdown(int fd, int how);
struct Pipe {
  Fd read_end;
  Fd write_end;
};
/// Non-blocking, close-on-exec.
[[nodiscard]] Result<Pipe> pipe();

/// Test support: called before every call above with the call's name; a non-zero answer makes the call fail with it.
using Injector = int (*)(const char* call);
void inject(Injector injector);

}  // namespace sluice::sys
