// HashRing: consistent hashing. Every server owns points on a circle of hashes, more of them the more it weighs; a key
// belongs to the server of the next point. The points of a server depend on its name and weight alone, so all workers
// agree, and a server that leaves gives its keys away without moving anybody else's.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sluice::worker {

/// 64 well-mixed bits; the same in every process and version.
[[nodiscard]] std::uint64_t stable_hash(std::string_view bytes);

class HashRing {
 public:
  struct Server {
    std::string_view name;
    std::uint32_t weight;
  };

  explicit HashRing(std::span<const Server> servers);

  /// The first server from the key on, in the order of the circle, that `wanted(index)` says yes to; SIZE_MAX when
  /// none.
  template <class Wanted>
  [[nodiscard]] std::size_t find(std::uint64_t key, Wanted wanted) const {
    const std::size_t start = first_from(key);
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const std::size_t index = points_[start + i < points_.size() ? start + i : start + i - points_.size()].server;
      if (wanted(index)) return index;
    }
    return SIZE_MAX;
  }
  [[nodiscard]] std::size_t points() const { return points_.size(); }

 private:
  struct Point {
    std::uint64_t at;
    std::uint32_t server;
    auto operator<=>(const Point&) const = default;
  };
  [[nodiscard]] std::size_t first_from(std::uint64_t key) const;

  std::vector<Point> points_;  // by place
};

}  // namespace sluice::worker
