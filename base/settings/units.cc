// See units.h.
#include "base/settings/units.h"

#include <array>
#include <charconv>
#include <limits>
#include <span>

namespace sluice {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
// largest last, as text_of and Size::text go backwards
constexpr std::array kSizes = {Unit{"B", 1}, Unit{"KiB", 1ULL << 10U}, Unit{"MiB", 1ULL << 20U},
                               Unit{"GiB", 1ULL << 30U}, Unit{"TiB", 1ULL << 40U}};
constexpr std::array kDurations = {Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000}, Unit{"h", 3'600'000},
                                   Unit{"d", 86'400'000}};
constexpr std::size_t kWithoutDays = 4;
constexpr Milliseconds kTwoDays = std::chrono::hours(48);  // below, "24h" says more than "1d"

// All values fit an int64, so that settings can be compared and sent as one.
constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();

Result<std::uint64_t> parse(std::string_view text, std::span<const Unit> units, std::string_view expected) {
  const auto bad = [&](std::string_view what) {
    return fail(Code::kBadSyntax,
                "\"" + std::string(text.substr(0, 64)) + "\" " + std::string(what) + std::string(expected));
  };
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error == std::errc::result_out_of_range) return bad("is too large for ");
  if (error != std::errc()) return bad("is not ");
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (unit.empty()) {
    if (number == 0) return 0;
    return bad("has no unit: write ");
  }
  for (const Unit& known : units) {
    if (known.name != unit) continue;
    if (number > kMost / known.factor) return bad("is too large for ");
    return number * known.factor;
  }
  return bad("is not ");
}

std::string print(std::uint64_t value, std::span<const Unit> units) {
  if (value == 0) return "0";
  std::size_t index = units.size() - 1;
  while (value % units[index].factor != 0) --index;
  return std::to_string(value / units[index].factor) + std::string(units[index].name);
}

}  // namespace

Result<Size> Size::parse(std::string_view text) {
  Result<std::uint64_t> bytes = sluice::parse(text, kSizes, "a size such as 512B, 64KiB, 1MiB or 10GiB");
  if (!bytes) return fail(std::move(bytes).error());
  return Size(*bytes);
}
std::string Size::text() const {
  return print(bytes_, kSizes);
}

Result<Milliseconds> parse_duration(std::string_view text) {
  Result<std::uint64_t> count = parse(text, kDurations, "a duration such as 250ms, 30s, 2m or 1h");
  if (!count) return fail(std::move(count).error());
  return Milliseconds(static_cast<std::int64_t>(*count));
}
std::string text_of(Milliseconds duration) {
  const std::size_t units = duration < kTwoDays ? kWithoutDays : kDurations.size();
  return print(static_cast<std::uint64_t>(duration.count()), std::span(kDurations).first(units));
}

}  // namespace sluice
