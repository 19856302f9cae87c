// See counts.h.
#include "tests/restart/load/counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace sluice::load {
namespace {
constexpr double kWidth = 1.03;
constexpr auto kTenth = std::chrono::milliseconds(100);
}  // namespace

void Histogram::add(std::chrono::microseconds time) {
  const auto micros = static_cast<double>(std::max<std::int64_t>(1, time.count()));
  const auto bucket = static_cast<std::size_t>(std::log(micros) / std::log(kWidth));
  ++buckets_[std::min(bucket, buckets_.size() - 1)];
  ++all_;
}

std::uint64_t Histogram::percentile(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(static_cast<double>(all_) * share));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= wanted && seen != 0) return static_cast<std::uint64_t>(std::pow(kWidth, static_cast<double>(i) + 0.5));
  }
  return 0;
}

void Counts::begin(std::string phase) {
  phases_.push_back({.name = std::move(phase), .kinds = {}, .times = {}});
}

void Counts::took(Clock::duration time) {
  phases_.back().times.add(std::chrono::duration_cast<std::chrono::microseconds>(time));
}

void Counts::opened() {
  const auto tenth = static_cast<std::size_t>((Clock::now() - start_) / kTenth);
  if (opened_.size() <= tenth) opened_.resize(tenth + 1);
  ++opened_[tenth];
}

std::string Counts::json() const {
  std::string out = "{\"phases\":{";
  for (const Phase& phase : phases_) {
    if (&phase != &phases_.front()) out += ',';
    out += fmt::format("\"{}\":{{", phase.name);
    for (std::size_t i = 0; i < kKindNames.size(); ++i) out += fmt::format("\"{}\":{},", kKindNames[i], phase.kinds[i]);
    out += fmt::format("\"p50_us\":{},\"p99_us\":{},\"max_us\":{}}}", phase.times.percentile(0.5),
                       phase.times.percentile(0.99), phase.times.percentile(1));
  }
  return out + fmt::format("}},\"opened\":[{}]}}", fmt::join(opened_, ","));
}

}  // namespace sluice::load
