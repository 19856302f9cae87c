// See spans.h.
#include "restart/spans.h"

namespace sluice::restart {

std::optional<std::uint32_t> Spans::take(std::uint32_t count) {
  std::uint32_t at = 0;
  for (const auto& [first, length] : taken_) {
    if (first - at >= count) break;
    at = first + length;
  }
  if (count == 0 || size_ - at < count) return std::nullopt;
  taken_.emplace(at, count);
  return at;
}

std::uint32_t Spans::taken() const {
  std::uint32_t sum = 0;
  for (const auto& [first, length] : taken_) sum += length;
  return sum;
}

}  // namespace sluice::restart
