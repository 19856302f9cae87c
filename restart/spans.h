// Spans: which parts of a row of numbered places are taken, in pieces of any length; the first gap that is long enough
// is given. A value.
#pragma once
#include <cstdint>
#include <map>
#include <optional>

namespace sluice::restart {

class Spans {
 public:
  explicit Spans(std::uint32_t size) : size_(size) {}

  /// The first of `count` places next to each other; nothing when there are not so many.
  [[nodiscard]] std::optional<std::uint32_t> take(std::uint32_t count);
  /// These are taken; they were free, or taken as these.
  void mark(std::uint32_t first, std::uint32_t count) { taken_.emplace(first, count); }
  /// Gives back what take() gave.
  void give_back(std::uint32_t first) { taken_.erase(first); }
  [[nodiscard]] std::uint32_t taken() const;

 private:
  std::uint32_t size_;
  std::map<std::uint32_t, std::uint32_t> taken_;  // first, count
};

}  // namespace sluice::restart
