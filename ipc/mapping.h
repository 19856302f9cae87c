// Mapping: shared memory of a descriptor, unmapped by the destructor. The descriptor may be closed meanwhile. Only
// files that cannot shrink are mapped here (sealed memfds): reading one that was cut would kill the reader with SIGBUS.
#pragma once
#include <cstddef>
#include <span>
#include <utility>

#include "base/result.h"

namespace sluice::ipc {

class Mapping {
 public:
  enum class Access : unsigned char { kRead, kWrite };

  /// Maps all of `fd`, shared. Errors: kForbidden when the file is not a memfd sealed with at least `seals`
  /// (F_SEAL_SHRINK is always wanted), kTooLarge above `most` bytes, or what the system says.
  [[nodiscard]] static Result<Mapping> map(int fd, Access access, int seals, std::size_t most);

  Mapping() = default;
  Mapping(Mapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Mapping();

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  /// Only for mappings made with kWrite.
  [[nodiscard]] std::span<std::byte> writable() { return bytes_; }

 private:
  explicit Mapping(std::span<std::byte> bytes) : bytes_(bytes) {}
  std::span<std::byte> bytes_;
};

}  // namespace sluice::ipc
