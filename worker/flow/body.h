// BodySource: the body of a message on its way, pulled piece by piece by whoever writes it out. Back-pressure needs no
// more: the writer asks for the next piece when the last one has left, so the slow side stops the fast side by not
// reading.
//
// A piece is a view into the source's own buffer and good until the next call. Sources: the body of an HTTP/1 message
// (worker/flow/http1_body.h), bytes in memory (below), later HTTP/2 and HTTP/3 streams.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/task.h"
#include "proto/http/fields.h"

namespace sluice::worker {

struct Piece {
  std::string_view bytes;
  bool last = false;  ///< nothing follows; bytes may be empty then
};

class BodySource {
 public:
  BodySource() = default;
  BodySource(BodySource&&) = delete;
  virtual ~BodySource() = default;

  /// The next piece; waits for it. After the last one it must not be asked again. Errors: kTimeout, kClosed, kReset and
  /// those of the coding, with the side the body comes from.
  virtual Task<Result<Piece>> next() = 0;
  /// The next piece if it is there without waiting; errors are kept for next().
  [[nodiscard]] virtual std::optional<Piece> ready() = 0;
  /// Bytes of the whole body when they are known beforehand.
  [[nodiscard]] virtual std::optional<std::uint64_t> length() const = 0;
  /// Trailers, once the last piece has been given; null when there are none.
  [[nodiscard]] virtual const http::Fields* trailers() const = 0;
  /// Body bytes given so far.
  [[nodiscard]] virtual std::uint64_t passed() const = 0;
};

/// A body that is in memory. `bytes` must outlive it.
class MemoryBody final : public BodySource {
 public:
  explicit MemoryBody(std::string_view bytes) : bytes_(bytes) {}
  Task<Result<Piece>> next() override { co_return *ready(); }
  [[nodiscard]] std::optional<Piece> ready() override {
    given_ = true;
    return Piece{.bytes = bytes_, .last = true};
  }
  [[nodiscard]] std::optional<std::uint64_t> length() const override { return bytes_.size(); }
  [[nodiscard]] const http::Fields* trailers() const override { return nullptr; }
  [[nodiscard]] std::uint64_t passed() const override { return given_ ? bytes_.size() : 0; }

 private:
  std::string_view bytes_;
  bool given_ = false;
};

}  // namespace sluice::worker
