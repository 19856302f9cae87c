// Fd: the one owner of a file descriptor. Moving moves the descriptor, destroying closes it; nothing outside base/
// calls close(2). A raw int in an interface is borrowed for the call.
#pragma once
#include <utility>

#include "base/result.h"

namespace sluice {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      number_ = std::exchange(other.number_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }

  [[nodiscard]] int get() const { return number_; }
  [[nodiscard]] explicit operator bool() const { return number_ >= 0; }
  /// Gives the descriptor away: the caller closes it.
  [[nodiscard]] int release() { return std::exchange(number_, -1); }
  void reset();
  /// A second descriptor for the same open file, close-on-exec.
  [[nodiscard]] Result<Fd> duplicate() const;

 private:
  int number_ = -1;
};

}  // namespace sluice
