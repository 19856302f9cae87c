// See passage.h.
#include "worker/handover/passage.h"

#include <algorithm>

namespace sluice::worker {
namespace {
constexpr Millis kPatience(5000);  // with a worker that does not answer
constexpr Millis kLook(1000);
constexpr int kMostFailures = 16;
}  // namespace

Passage::Parcel::Parcel(Passage& passage, std::string_view state, std::span<const int> fds)
    : passage_(passage), state_(state), fds_(fds), since_(passage.loop_.now()), number_(++passage.last_number_) {
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

Result<> Passage::post(const restart::Parcel& parcel, std::span<const int> fds) {
  const Result<std::string> packet = restart::encode(parcel);
  if (!packet) return fail(packet.error());
  return channel_.post(*packet, fds);
}

// Once the offer is out the pieces must follow, whoever has waited for it: a parcel that is gone by then breaks the
// channel, so that the half of a state cannot be taken for a whole one.
Task<Result<>> Passage::send_one(std::uint64_t number) {
  const auto found = parcels_.find(number);
  if (found == parcels_.end()) co_return Result<>();  // nobody waits for it any more
  const std::size_t size = found->second->state_.size();
  Result<> posted =
      post(restart::Offer{.number = number, .size = static_cast<std::uint32_t>(size)}, found->second->fds_);
  for (std::size_t at = 0; posted && at < size; at += restart::kMostPiece) {
    const auto still = parcels_.find(number);
    if (still == parcels_.end()) co_return fail(Code::kInternal, "a connection has ended while it was handed over");
    posted = post(restart::Piece{.bytes = std::string(still->second->state_.substr(at, restart::kMostPiece))}, {});
    if (!posted || channel_.queued() == 0) continue;
    const Deadline deadline = loop_.in(kPatience);
    Result<> flushed = co_await channel_.flush(deadline);
    posted = std::move(flushed);
  }
  co_return posted;
}

bool Passage::overdue() const {
  return !parcels_.empty() && loop_.now() > parcels_.begin()->second->since_ + kPatience;
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
  const auto found = parcels_.find(number);
  if (found != parcels_.end()) found->second->answer(std::move(result));
  return {};
}

}  // namespace sluice::worker
