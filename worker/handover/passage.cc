// See passage.h.
#include "worker/handover/passage.h"

#include <algorithm>

namespace sluice::worker {
namespace {
constexpr Millis kFresh(250);     // so long an answer says that it listens
constexpr Millis kMostWait(300);  // of a connection, for a first answer
constexpr Millis kPause(1);       // between two looks
constexpr Millis kLook(250);
constexpr Millis kFlush(5000);      // for the pieces of one offer
constexpr std::uint16_t kAsks = 0;  // no version of a state
constexpr int kMostFailures = 16;
}  // namespace

Passage::Parcel::Parcel(Passage& passage, std::string_view state, std::span<const int> fds)
    : passage_(passage), state_(state), fds_(fds), number_(++passage.last_number_) {
  passage_.parcels_.emplace(number_, this);
  passage_.line_.push_back(number_);
  passage_.waiting_.set();
}

Passage::Parcel::~Parcel() {
  passage_.parcels_.erase(number_);
}

void Passage::Parcel::answer(Result<> result) {
  passage_.parcels_.erase(number_);
  result_ = std::move(result);
  answered.set();
}

Passage::Passage(Loop& loop, Fd channel) : loop_(loop), channel_(std::move(channel), 0) {
  channel_.attach(loop);
}

Task<> Passage::send() {
  while (open_) {
    co_await waiting_.wait(loop_, Deadline::never());
    waiting_.clear();
    while (open_ && !line_.empty()) {
      const std::uint64_t number = line_.front();
      line_.pop_front();
      const Result<> sent = co_await send_one(number);
      if (!sent) {
        channel_.shut();  // hear() does the rest
        co_return;
      }
    }
  }
}

Result<> Passage::ask_now() {
  constexpr std::string_view kState = "?";
  Result<> posted = post(
      restart::Offer{.number = question_, .size = static_cast<std::uint32_t>(kState.size()), .version = kAsks}, {});
  return posted ? post(restart::Piece{.bytes = std::string(kState)}, {}) : posted;
}

Result<> Passage::post(const restart::Parcel& parcel, std::span<const int> fds) {
  const Result<std::string> packet = restart::encode(parcel);
  if (!packet) return fail(packet.error());
  return channel_.post(*packet, fds);
}

// Once the offer is out the pieces must follow, whoever has waited for it: a parcel that is gone by then breaks the
// channel, so that the half of a state cannot be taken for a whole one.
Task<Result<>> Passage::send_one(std::uint64_t number) {
  if (number == question_) co_return ask_now();
  const auto found = parcels_.find(number);
  if (found == parcels_.end()) co_return Result<>();  // nobody waits for it any more
  const std::size_t size = found->second->state_.size();
  if (!silent_since_) silent_since_ = loop_.now();
  Result<> posted =
      post(restart::Offer{.number = number, .size = static_cast<std::uint32_t>(size)}, found->second->fds_);
  for (std::size_t at = 0; posted && at < size; at += restart::kMostPiece) {
    const auto still = parcels_.find(number);
    if (still == parcels_.end()) co_return fail(Code::kInternal, "a connection has ended while it was handed over");
    posted = post(restart::Piece{.bytes = std::string(still->second->state_.substr(at, restart::kMostPiece))}, {});
    if (!posted || channel_.queued() == 0) continue;
    const Deadline deadline = loop_.in(kFlush);
    Result<> flushed = co_await channel_.flush(deadline);
    posted = std::move(flushed);
  }
  co_return posted;
}

bool Passage::awake() const {
  return open_ && heard_ && loop_.now() <= *heard_ + kFresh;
}

bool Passage::asleep() const {
  return silent_since_ && loop_.now() >= *silent_since_ + kMostWait;
}

void Passage::ask() {
  if (!open_ || question_ != 0) return;
  question_ = ++last_number_;
  line_.push_back(question_);
  if (!silent_since_) silent_since_ = loop_.now();
  waiting_.set();
}

Task<bool> Passage::wake() {
  while (open_ && !awake() && !asleep()) {
    ask();
    co_await loop_.sleep(kPause);
  }
  co_return awake();
}

// As slow as it has been before, and more: it has just shown that it listens, so this is about one that has stopped
// since.
Millis Passage::patience() const {
  constexpr Millis kLeast(1000);
  constexpr Millis kMost(5000);
  constexpr int kTimes = 50;
  return std::clamp(std::chrono::ceil<Millis>(slowest_ * kTimes), kLeast, kMost);
}

// A question may stay open: nothing waits for it.
bool Passage::overdue() const {
  return !parcels_.empty() && silent_since_ && loop_.now() > *silent_since_ + patience();
}

// To the end of the queue whatever comes: an answer that has been sent counts. An error of the system may come in front
// of packets that are there (ECONNRESET when the other side has ended without reading everything).
Task<> Passage::hear() {
  for (int failures = 0; failures < kMostFailures;) {
    const Deadline deadline = loop_.in(kLook);
    Result<ipc::Packet> packet = co_await channel_.receive(deadline);
    if (packet) {
      if (!heard(packet->bytes)) channel_.shut();
    } else if (packet.error().code() == Code::kClosed) {
      break;
    } else if (packet.error().code() != Code::kTimeout) {
      ++failures;
      channel_.shut();
    } else if (overdue()) {
      channel_.shut();
    }
  }
  open_ = false;
  channel_.shut();
  waiting_.set();
  while (!parcels_.empty())
    parcels_.begin()->second->answer(fail(Code::kUnavailable, "the other worker does not answer"));
}

Result<> Passage::heard(std::string_view packet) {
  Result<restart::Parcel> parcel = restart::decode_parcel(packet);
  if (!parcel) return fail(std::move(parcel).error());
  std::uint64_t number = 0;
  Result<> result;
  if (const auto* taken = std::get_if<restart::Taken>(&*parcel)) {
    number = taken->number;
  } else if (auto* refused = std::get_if<restart::Refused>(&*parcel)) {
    number = refused->number;
    result = fail(Code::kForbidden, std::move(refused->why));
  } else {
    return fail(Code::kProtocol, "not an answer");
  }
  const Nanos now = loop_.now();
  if (silent_since_) slowest_ = std::max(slowest_, now - *silent_since_);
  heard_ = now;
  if (number == question_) question_ = 0;
  const auto found = parcels_.find(number);
  if (found != parcels_.end()) found->second->answer(std::move(result));
  silent_since_ = parcels_.empty() && question_ == 0 ? std::nullopt : heard_;
  return {};
}

}  // namespace sluice::worker
