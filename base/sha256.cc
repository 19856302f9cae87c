// See sha256.h.
#include "base/sha256.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace sluice {
namespace {
// The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4 section 4.2.2).
constexpr std::array<std::uint32_t, 64> kRound = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

constexpr std::size_t kLengthAt = 56;  // where the last block holds the length

std::uint32_t big_endian(const std::uint8_t* at) {
  return std::uint32_t{at[0]} << 24U | std::uint32_t{at[1]} << 16U | std::uint32_t{at[2]} << 8U | std::uint32_t{at[3]};
}

std::string_view text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// HMAC with the key's two blocks taken in beforehand: PBKDF2 uses one key thousands of times.
class Hmac {
 public:
  explicit Hmac(std::string_view key) {
    std::array<std::uint8_t, Sha256::kBlock> block{};
    if (key.size() > block.size()) {
      std::ranges::copy(sha256(key), block.begin());
    } else {
      std::ranges::transform(key, block.begin(), [](char c) { return static_cast<std::uint8_t>(c); });
    }
    for (std::uint8_t& byte : block) byte ^= 0x36U;
    inner_.add(block);
    for (std::uint8_t& byte : block) byte ^= 0x36U ^ 0x5cU;
    outer_.add(block);
  }
  [[nodiscard]] Sha256Digest of(std::string_view first, std::string_view second) const {
    Sha256 inner = inner_;
    inner.add(first);
    inner.add(second);
    Sha256 outer = outer_;
    outer.add(inner.digest());
    return outer.digest();
  }

 private:
  Sha256 inner_;
  Sha256 outer_;
};
}  // namespace

void Sha256::take_block(const std::uint8_t* block) {
  std::array<std::uint32_t, 64> w;  // NOLINT: filled below
  for (std::size_t i = 0; i < 16; ++i) w[i] = big_endian(block + 4 * i);
  for (std::size_t i = 16; i < 64; ++i) {
    const std::uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ w[i - 15] >> 3U;
    const std::uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ w[i - 2] >> 10U;
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state_;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + kRound[i] + w[i];
    const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const std::array<std::uint32_t, 8> sum = {a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < sum.size(); ++i) state_[i] += sum[i];
}

void Sha256::add(std::span<const std::uint8_t> bytes) {
  total_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t part = std::min(bytes.size(), kBlock - filled_);
    std::ranges::copy(bytes.first(part), block_.begin() + static_cast<std::ptrdiff_t>(filled_));
    bytes = bytes.subspan(part);
    filled_ += part;
    if (filled_ < kBlock) return;
    take_block(block_.data());
    filled_ = 0;
  }
}

void Sha256::add(std::string_view bytes) {
  add(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

Sha256Digest Sha256::digest() {
  const std::uint64_t bits = total_ * 8;
  constexpr std::array<std::uint8_t, kBlock> kPadding = {0x80};
  const std::size_t padding = filled_ < kLengthAt ? kLengthAt - filled_ : kBlock + kLengthAt - filled_;
  add(std::span(kPadding).first(padding));
  std::array<std::uint8_t, 8> length{};
  for (std::size_t i = 0; i < length.size(); ++i) length[i] = static_cast<std::uint8_t>(bits >> (56 - 8 * i));
  add(length);
  SLUICE_CHECK(filled_ == 0, "the length ends a block");
  Sha256Digest digest{};
  for (std::size_t i = 0; i < digest.size(); ++i)
    digest[i] = static_cast<std::uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
  return digest;
}

Sha256Digest sha256(std::string_view bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.digest();
}

Sha256Digest hmac_sha256(std::string_view key, std::string_view message) {
  return Hmac(key).of(message, {});
}

Sha256Digest pbkdf2_sha256(std::string_view password, std::string_view salt, std::uint32_t iterations) {
  using namespace std::string_view_literals;
  const Hmac hmac(password);
  Sha256Digest round = hmac.of(salt, "\0\0\0\1"sv);
  Sha256Digest result = round;
  for (std::uint32_t i = 1; i < iterations; ++i) {
    round = hmac.of(text(round), {});
    for (std::size_t j = 0; j < result.size(); ++j) result[j] ^= round[j];
  }
  return result;
}

bool equal_in_constant_time(const Sha256Digest& a, const Sha256Digest& b) {
  unsigned different = 0;
  for (std::size_t i = 0; i < a.size(); ++i) different |= static_cast<unsigned>(a[i] ^ b[i]);
  return different == 0;
}

}  // namespace sluice
