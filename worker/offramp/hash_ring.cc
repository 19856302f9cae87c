// See hash_ring.h.
#include "worker/offramp/hash_ring.h"

#include <algorithm>
#include <numeric>

namespace sluice::worker {
namespace {

// With 160 points each the shares of equal servers differ by some 8 % (one over the square root).
constexpr std::uint64_t kPointsPerWeight = 160;
// Bounds the memory of a configuration with many servers and odd weights: 16 bytes a point.
constexpr std::uint64_t kMostPoints = std::uint64_t{1} << 20;

// The finalizer of MurmurHash3: FNV alone leaves neighbours next to each other.
std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 33U;
  x *= 0xff51afd7ed558ccdU;
  x ^= x >> 33U;
  x *= 0xc4ceb9fe1a85ec53U;
  x ^= x >> 33U;
  return x;
}

}  // namespace

std::uint64_t stable_hash(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return mix(hash);
}

HashRing::HashRing(std::span<const Server> servers) {
  std::uint64_t common = 0;
  std::uint64_t total = 0;
  for (const Server& server : servers) {
    common = std::gcd(common, static_cast<std::uint64_t>(server.weight));
    total += server.weight;
  }
  if (total == 0) return;
  const std::uint64_t wanted = total / common * kPointsPerWeight;
  for (std::uint32_t i = 0; i < servers.size(); ++i) {
    if (servers[i].weight == 0) continue;
    std::uint64_t points = servers[i].weight / common * kPointsPerWeight;
    if (wanted > kMostPoints) points = std::max<std::uint64_t>(points * kMostPoints / wanted, 1);
    const std::uint64_t own = stable_hash(servers[i].name);
    for (std::uint64_t n = 0; n < points; ++n)
      points_.push_back({.at = mix(own + n * 0x9e3779b97f4a7c15U), .server = i});
  }
  std::ranges::sort(points_);
}

std::size_t HashRing::first_from(std::uint64_t key) const {
  const auto found = std::ranges::lower_bound(points_, key, {}, &Point::at);
  return found == points_.end() ? 0 : static_cast<std::size_t>(found - points_.begin());
}

}  // namespace sluice::worker
