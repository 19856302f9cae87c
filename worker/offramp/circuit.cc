// See circuit.h.
#include "worker/offramp/circuit.h"

#include <algorithm>
#include <string_view>

namespace sluice::worker {

std::int64_t Circuit::slice_number(Nanos now) const {
  return now / (Nanos(settings_.window) / static_cast<std::int64_t>(kSlices));
}

void Circuit::count(Outcome outcome, Nanos now) {
  const std::int64_t number = slice_number(now);
  Slice& slice = slices_[static_cast<std::size_t>(number) % kSlices];
  if (slice.number != number) slice = {.number = number};
  ++slice.requests;
  if (outcome == Outcome::kFailure) ++slice.failures;
}

bool Circuit::fails_too_often(Nanos now) const {
  const std::int64_t oldest = slice_number(now) - static_cast<std::int64_t>(kSlices) + 1;
  std::uint64_t requests = 0;
  std::uint64_t failures = 0;
  for (const Slice& slice : slices_) {
    if (slice.number < oldest) continue;
    requests += slice.requests;
    failures += slice.failures;
  }
  return requests >= settings_.min_requests &&
         static_cast<double>(failures) >= settings_.failure_ratio * static_cast<double>(requests);
}

void Circuit::open(Nanos now) {
  state_ = State::kOpen;
  until_ = now + settings_.open_time;
}

bool Circuit::lets_through(Nanos now) {
  if (state_ == State::kClosed) return true;
  // also when trials were given whose outcome nobody ever told, because their clients left
  if (now >= until_) {
    state_ = State::kOnTrial;
    until_ = now + settings_.open_time;
    given_ = 0;
    succeeded_ = 0;
  }
  if (state_ == State::kOpen || given_ == settings_.trials) return false;
  ++given_;
  return true;
}

bool Circuit::report(Outcome outcome, Nanos now) {
  switch (state_) {
    case State::kClosed:
      count(outcome, now);
      if (outcome == Outcome::kSuccess || !fails_too_often(now)) return false;
      open(now);
      return true;
    case State::kOpen:
      return false;  // of a request from before
    case State::kOnTrial:
      if (outcome == Outcome::kFailure) {
        open(now);
        return true;
      }
      if (++succeeded_ < settings_.trials) return false;
      state_ = State::kClosed;
      slices_ = {};
      return true;
  }
  return false;
}

std::string_view name(Circuit::State state) {
  switch (state) {
    case Circuit::State::kClosed:
      return "closed";
    case Circuit::State::kOpen:
      return "open";
    case Circuit::State::kOnTrial:
      return "on_trial";
  }
  return "?";
}

}  // namespace sluice::worker
