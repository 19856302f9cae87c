// Sizes and durations as people write them in a configuration: "64KiB", "30s".
//
// One unit per value and whole numbers only, so that every value has one obvious spelling. Size is a type of its own,
// so that a number of bytes cannot be mistaken for a number of anything else. Durations are std::chrono::milliseconds.
#pragma once
#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice {

/// A number of bytes.
class Size {
 public:
  constexpr Size() = default;
  constexpr explicit Size(std::uint64_t bytes) : bytes_(bytes) {}
  static constexpr Size kib(std::uint64_t count) { return Size(count << 10U); }
  static constexpr Size mib(std::uint64_t count) { return Size(count << 20U); }
  static constexpr Size gib(std::uint64_t count) { return Size(count << 30U); }

  /// "0", "512B", "64KiB", "1MiB", "10GiB", "1TiB". Errors: kBadSyntax.
  [[nodiscard]] static Result<Size> parse(std::string_view text);

  [[nodiscard]] constexpr std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] constexpr explicit operator bool() const { return bytes_ != 0; }
  /// In the largest unit that needs no fraction: "64KiB", "1500B", "0".
  [[nodiscard]] std::string text() const;

  auto operator<=>(const Size&) const = default;

 private:
  std::uint64_t bytes_ = 0;
};

using Milliseconds = std::chrono::milliseconds;

/// "0", "250ms", "30s", "2m", "1h", "7d". Errors: kBadSyntax.
[[nodiscard]] Result<Milliseconds> parse_duration(std::string_view text);
/// In the largest unit that needs no fraction, days from two on: "90s", "24h", "7d", "0".
[[nodiscard]] std::string text_of(Milliseconds duration);

}  // namespace sluice
