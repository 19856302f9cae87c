// A listening UNIX socket at a path, with the two things that go wrong handled: a file left behind by a process that is
// gone is replaced, a socket on which somebody still listens is not; and at the end the file is removed only if it is
// still ours. Nothing that is not a socket is ever removed.
#pragma once
#include <sys/stat.h>
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace sluice::supervisor {

class UnixListener {
 public:
  enum class Others : std::uint8_t {
    kRespect,  ///< where somebody listens nothing is touched
    kReplace,  ///< its file goes; it keeps what has connected
  };
  struct Options {
    mode_t mode = 0600;
    gid_t group = static_cast<gid_t>(-1);  ///< -1: left as it is
    int backlog = 128;
    Others others = Others::kRespect;
  };
  /// Non-blocking, close-on-exec; bound and listening. Errors: kRefused when somebody listens there, kBadConfig when
  /// the path is something else, kSystem.
  [[nodiscard]] static Result<UnixListener> bind(const std::string& path, const Options& options);

  /// One that was bound before: the file is ours if it is still that one.
  [[nodiscard]] static UnixListener adopt(Fd fd, std::string path, dev_t device, ino_t inode);

  UnixListener(UnixListener&& other) noexcept;
  UnixListener& operator=(UnixListener&& other) = delete;
  /// The file stays.
  void leave_file() { inode_ = 0; }
  /// Removes the file if it is still the one that bind() made.
  ~UnixListener();

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] dev_t device() const { return device_; }
  [[nodiscard]] ino_t inode() const { return inode_; }

 private:
  UnixListener(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Fd fd_;
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace sluice::supervisor
