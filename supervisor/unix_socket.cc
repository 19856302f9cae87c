// See unix_socket.h. The socket is bound under a umask that gives nobody anything, so that there is no moment at which
// it is open to more people than it should be.
#include "supervisor/unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/net/address.h"
#include "base/sys.h"

namespace sluice::supervisor {
namespace {

// Is somebody listening? A connection attempt tells: ECONNREFUSED means that the file is a leftover.
Result<> make_way(const std::string& path, const RawAddress& address, UnixListener::Others others) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return fail_errno(errno, "looking at the socket's path");
  }
  if (!S_ISSOCK(info.st_mode)) return fail(Code::kBadConfig, "there is something at this path that is not a socket");
  if (others == UnixListener::Others::kReplace)
    return ::unlink(path.c_str()) == 0 ? Result<>() : fail_errno(errno, "removing the socket of an orphan");
  Result<Fd> probe = sys::socket(AF_UNIX, SOCK_STREAM, 0);
  if (!probe) return fail(std::move(probe).error());
  if (::connect(probe->get(), address.get(), address.size) == 0 || errno == EAGAIN)
    return fail(Code::kRefused, "another process listens there");
  if (errno == EPROTOTYPE) return fail(Code::kRefused, "another process has a socket of another kind there");
  if (errno != ECONNREFUSED) return fail_errno(errno, "asking whether somebody listens there");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail_errno(errno, "removing the socket of a process that is gone");
  return {};
}

}  // namespace

Result<UnixListener> UnixListener::bind(const std::string& path, const Options& options) {
  const Result<SocketAddress> parsed = SocketAddress::parse("unix:" + path);
  if (!parsed) return fail(parsed.error());
  const RawAddress address = parsed->raw();
  if (Result<> way = make_way(path, address, options.others); !way) return fail(std::move(way).error());
  Result<Fd> fd = sys::socket(AF_UNIX, SOCK_STREAM, 0);
  if (!fd) return fail(std::move(fd).error());

  const mode_t before = ::umask(0777);
  const int bound = ::bind(fd->get(), address.get(), address.size);
  const int error = errno;
  ::umask(before);
  if (bound != 0) return fail_errno(error, "bind");

  UnixListener listener(*std::move(fd), path);
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return fail_errno(errno, "looking at the new socket");
  listener.device_ = info.st_dev;
  listener.inode_ = info.st_ino;
  if (options.group != static_cast<gid_t>(-1) && ::lchown(path.c_str(), static_cast<uid_t>(-1), options.group) != 0)
    return fail_errno(errno, "giving the socket to its group");
  // listen before chmod: nobody may connect yet, and who may, finds it listening
  if (::listen(listener.fd(), options.backlog) != 0) return fail_errno(errno, "listen");
  if (::chmod(path.c_str(), options.mode) != 0) return fail_errno(errno, "chmod");
  return listener;
}

UnixListener UnixListener::adopt(Fd fd, std::string path, dev_t device, ino_t inode) {
  UnixListener listener(std::move(fd), std::move(path));
  listener.device_ = device;
  listener.inode_ = inode;
  return listener;
}

UnixListener::UnixListener(UnixListener&& other) noexcept
    : fd_(std::move(other.fd_)), path_(std::move(other.path_)), device_(other.device_), inode_(other.inode_) {
  other.inode_ = 0;
}

UnixListener::~UnixListener() {
  if (inode_ == 0) return;
  struct stat info{};
  if (::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_) ::unlink(path_.c_str());
}

}  // namespace sluice::supervisor
