// OwnProgram: the program that this process runs, and the place where another one may come to lie. Made at start,
// before anybody can have put something else there; it stays the same over an exec, which changes only what runs.
#pragma once
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace sluice::supervisor {

class OwnProgram {
 public:
  /// Errors: kSystem: /proc is missing.
  [[nodiscard]] static Result<OwnProgram> find();
  /// The same, with the place that the program before this one knew.
  [[nodiscard]] static Result<OwnProgram> find(std::string path);

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Another file lies there now, or none.
  [[nodiscard]] bool changed() const;
  /// Of the file that runs (config.h).
  [[nodiscard]] const std::string& identity() const { return identity_; }
  /// Of the file that runs, to be executed again. Borrowed.
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  OwnProgram(std::string path, Fd fd, std::string identity)
      : path_(std::move(path)), fd_(std::move(fd)), identity_(std::move(identity)) {}
  std::string path_;
  Fd fd_;
  std::string identity_;
};

}  // namespace sluice::supervisor
