// How one metric series is described in a slab: kind, name, help, labels, bucket bounds, and where its values are.
//
// Records stand one after the other and are only appended. Two header words, then the bounds, then the texts, padded to
// 8 bytes. The decoder is given bytes that a hostile worker may still be changing: it copies a record before it looks
// at it, and says nothing is there rather than believe anything out of bounds.
//
//   word 0: u32 size, u8 kind, u8 labels, u16 name bytes      word 1: u16 help bytes, u16 bounds, u32 first value
//   f64 bounds …, name, help, per label: u8 name bytes, u8 value bytes, name, value
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ipc {

enum class MetricKind : std::uint8_t {
  kGone,  ///< replaced by a later record with the same name and labels
  kCounter,
  kGauge,
  kHistogram,
};

struct MetricLabel {
  std::string name;
  std::string value;
  friend bool operator==(const MetricLabel&, const MetricLabel&) = default;
};

inline constexpr std::size_t kMaxBounds = 64;
inline constexpr std::size_t kMaxLabels = 8;
inline constexpr std::size_t kMaxMetricName = 128;
inline constexpr std::size_t kMaxMetricHelp = 256;
inline constexpr std::size_t kMaxLabelBytes = 255;

struct MetricRecord {
  MetricKind kind = MetricKind::kGone;
  std::string name;
  std::string help;
  std::vector<MetricLabel> labels;
  std::vector<double> bounds;
  std::size_t first_value = 0;

  /// Cells the series has, from first_value on.
  [[nodiscard]] std::size_t values() const { return kind == MetricKind::kHistogram ? bounds.size() + 2 : 1; }
};

/// Is the record fit for Prometheus: legal names, no label twice or reserved, printable texts, ascending finite bounds,
/// values within a slab?
[[nodiscard]] bool is_sound(const MetricRecord& record);

[[nodiscard]] std::string encode_record(const MetricRecord& record);

struct DecodedRecord {
  MetricRecord record;
  std::size_t size;  ///< bytes to the next record
};
/// The record at the front of `bytes`; nullopt when there is no well-formed one, and then nothing behind it counts
/// either.
[[nodiscard]] std::optional<DecodedRecord> decode_record(std::span<const std::byte> bytes);

}  // namespace sluice::ipc
