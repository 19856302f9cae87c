// Sealed memfds: how anything large travels beside a message. The sender writes and seals, so nobody can change the
// bytes any more; the receiver believes nothing and looks at the seals and the size before it reads.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "ipc/mapping.h"

namespace sluice::ipc {

/// An empty memfd that may be sealed, close-on-exec and never executable; `name` is for /proc only.
[[nodiscard]] Result<Fd> make_memfd(const std::string& name);
/// A memfd with these bytes that nobody can change, grow or shrink.
[[nodiscard]] Result<Fd> seal_bytes(const std::string& name, std::string_view bytes);

/// Bytes of a sealed memfd, mapped read-only.
class SealedBytes {
 public:
  /// `fd` is borrowed. Errors: kForbidden when a seal is missing, kTooLarge above `most` bytes, or what the system
  /// says.
  [[nodiscard]] static Result<SealedBytes> open(int fd, std::size_t most);
  /// Lifetime: as long as this object.
  [[nodiscard]] std::string_view view() const;

 private:
  explicit SealedBytes(Mapping mapping) : mapping_(std::move(mapping)) {}
  Mapping mapping_;
};

}  // namespace sluice::ipc
