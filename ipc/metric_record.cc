// See metric_record.h.
#include "ipc/metric_record.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ipc/slab.h"
#include "ipc/text.h"

namespace sluice::ipc {
namespace {

constexpr std::size_t kWordBytes = 8;
constexpr std::size_t kMaxRecord = (2 * kWordBytes) + (kMaxBounds * sizeof(double)) + kMaxMetricName + kMaxMetricHelp +
                                   (kMaxLabels * (2 + (2 * kMaxLabelBytes))) + kWordBytes;

bool is_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto later = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  return !name.empty() && letter(name.front()) && std::ranges::all_of(name, later);
}

// "tenant" and "worker" are the reader's; "le" belongs to histograms, "__…" to Prometheus.
bool is_reserved(std::string_view label) {
  return label == "tenant" || label == "worker" || label == "le" || label.starts_with("__");
}

bool labels_sound(const std::vector<MetricLabel>& labels) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const MetricLabel& label = labels[i];
    if (!is_name(label.name) || is_reserved(label.name) || label.name.size() > kMaxLabelBytes) return false;
    if (!is_printable(label.value) || label.value.size() > kMaxLabelBytes) return false;
    for (std::size_t j = 0; j < i; ++j)
      if (labels[j].name == label.name) return false;
  }
  return labels.size() <= kMaxLabels;
}

// Takes a field after the other from a record that has been copied and checked for its whole size.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : rest_(bytes) {}
  std::optional<std::string_view> take(std::size_t size) {
    if (size > rest_.size()) return std::nullopt;
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  template <class T>
  std::optional<T> number() {
    const auto bytes = take(sizeof(T));
    if (!bytes) return std::nullopt;
    T value;
    std::memcpy(&value, bytes->data(), bytes->size());
    return value;
  }

 private:
  std::string_view rest_;
};

std::optional<MetricLabel> take_label(Cursor& cursor) {
  const auto name_size = cursor.number<std::uint8_t>();
  const auto value_size = cursor.number<std::uint8_t>();
  if (!name_size || !value_size) return std::nullopt;
  const auto name = cursor.take(*name_size);
  const auto value = cursor.take(*value_size);
  if (!name || !value) return std::nullopt;
  return MetricLabel{.name = std::string(*name), .value = std::string(*value)};
}

struct Sizes {
  std::uint32_t size;
  std::uint8_t kind;
  std::uint8_t labels;
  std::uint16_t name;
  std::uint16_t help;
  std::uint16_t bounds;
  std::uint32_t first_value;
};
static_assert(sizeof(Sizes) == 2 * kWordBytes);

}  // namespace

bool is_sound(const MetricRecord& record) {
  if (record.kind == MetricKind::kGone || record.kind > MetricKind::kHistogram) return false;
  if (!is_name(record.name) || record.name.size() > kMaxMetricName) return false;
  if (!is_printable(record.help) || record.help.size() > kMaxMetricHelp) return false;
  if (record.kind != MetricKind::kHistogram && !record.bounds.empty()) return false;
  const auto finite = [](double bound) { return std::isfinite(bound); };
  if (record.bounds.size() > kMaxBounds || !std::ranges::all_of(record.bounds, finite)) return false;
  if (std::ranges::adjacent_find(record.bounds, std::greater_equal<>()) != record.bounds.end()) return false;
  return labels_sound(record.labels) && record.first_value + record.values() <= kMetricValues;
}

std::string encode_record(const MetricRecord& record) {
  std::string bytes(sizeof(Sizes), '\0');
  for (const double bound : record.bounds) {
    bytes.resize(bytes.size() + sizeof bound);
    std::memcpy(bytes.data() + bytes.size() - sizeof bound, &bound, sizeof bound);
  }
  bytes += record.name;
  bytes += record.help;
  for (const MetricLabel& label : record.labels) {
    bytes.push_back(static_cast<char>(label.name.size()));
    bytes.push_back(static_cast<char>(label.value.size()));
    bytes += label.name;
    bytes += label.value;
  }
  bytes.resize((bytes.size() + kWordBytes - 1) / kWordBytes * kWordBytes);
  const Sizes sizes{.size = static_cast<std::uint32_t>(bytes.size()),
                    .kind = static_cast<std::uint8_t>(record.kind),
                    .labels = static_cast<std::uint8_t>(record.labels.size()),
                    .name = static_cast<std::uint16_t>(record.name.size()),
                    .help = static_cast<std::uint16_t>(record.help.size()),
                    .bounds = static_cast<std::uint16_t>(record.bounds.size()),
                    .first_value = static_cast<std::uint32_t>(record.first_value)};
  std::memcpy(bytes.data(), &sizes, sizeof sizes);
  return bytes;
}

std::optional<DecodedRecord> decode_record(std::span<const std::byte> bytes) {
  Sizes sizes{};
  if (bytes.size() < sizeof sizes) return std::nullopt;
  std::memcpy(&sizes, bytes.data(), sizeof sizes);
  if (sizes.size < sizeof sizes || sizes.size > kMaxRecord || sizes.size % kWordBytes != 0 || sizes.size > bytes.size())
    return std::nullopt;
  std::string copy(sizes.size - sizeof sizes, '\0');
  std::memcpy(copy.data(), bytes.data() + sizeof sizes, copy.size());

  DecodedRecord decoded{.record = {}, .size = sizes.size};
  MetricRecord& record = decoded.record;
  record.kind = static_cast<MetricKind>(sizes.kind);
  record.first_value = sizes.first_value;
  Cursor cursor(copy);
  for (std::size_t i = 0; i < sizes.bounds; ++i) {
    const auto bound = cursor.number<double>();
    if (!bound) return std::nullopt;
    record.bounds.push_back(*bound);
  }
  const auto name = cursor.take(sizes.name);
  const auto help = cursor.take(sizes.help);
  if (!name || !help) return std::nullopt;
  record.name = *name;
  record.help = *help;
  for (std::size_t i = 0; i < sizes.labels; ++i) {
    std::optional<MetricLabel> label = take_label(cursor);
    if (!label) return std::nullopt;
    record.labels.push_back(std::move(*label));
  }
  return decoded;
}

}  // namespace sluice::ipc
