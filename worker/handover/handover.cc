// See handover.h.
#include "worker/handover/handover.h"

#include <algorithm>

#include "worker/handover/passage.h"

namespace sluice::worker {
namespace {

class Counted {
 public:
  explicit Counted(std::size_t& count) : count_(count) { ++count_; }
  Counted(Counted&&) = delete;
  ~Counted() { --count_; }

 private:
  std::size_t& count_;
};

}  // namespace

HandOver::HandOver(Loop& loop) : loop_(loop) {}
HandOver::~HandOver() = default;

void HandOver::add(const ipc::HandOver& order, Fd channel) {
  idle_ = order.idle;
  tunnels_ = order.tunnels;
  passages_.push_back(std::make_unique<Passage>(loop_, std::move(channel)));
  Passage& passage = *passages_.back();
  tasks_.spawn([&passage] { return passage.send(); });
  tasks_.spawn([&passage] { return passage.hear(); });
}

bool HandOver::offers(Moving what) const {
  if (!(what == Moving::kIdle ? idle_ : tunnels_)) return false;
  return std::ranges::any_of(passages_, [](const auto& passage) { return passage->open(); });
}

// In turn, those who listen first.
Passage* HandOver::next() {
  Passage* unknown = nullptr;
  for (std::size_t tried = 0; tried < passages_.size(); ++tried) {
    Passage& passage = *passages_[turn_++ % passages_.size()];
    if (passage.awake()) return &passage;
    if (passage.open() && !passage.asleep() && unknown == nullptr) unknown = &passage;
  }
  return unknown;
}

Task<bool> HandOver::somebody_listens() {
  constexpr Millis kLongestPause(50);
  for (Millis pause(1);; pause = std::min(pause * 2, kLongestPause)) {
    for (const std::unique_ptr<Passage>& passage : passages_)
      if (!passage->awake()) passage->ask();
    if (std::ranges::any_of(passages_, [](const auto& passage) { return passage->awake(); })) co_return true;
    if (std::ranges::none_of(passages_, [](const auto& passage) { return passage->open(); })) co_return false;
    co_await loop_.sleep(pause);
  }
}

Task<Result<>> HandOver::move(const restart::MovedConnection& connection, std::span<const int> fds) {
  const Result<std::string> state = restart::encode_state(connection);
  if (!state) co_return fail(state.error());
  const Counted counted(under_way_);
  while (Passage* const passage = next()) {
    const bool listens = co_await passage->wake();
    if (!listens) continue;  // it is asleep now, or gone
    Passage::Parcel parcel(*passage, *state, fds);
    co_await parcel.answered.wait(loop_, Deadline::never());
    const Result<>& result = parcel.result();
    if (result || result.error().code() != Code::kUnavailable) co_return result;
  }
  co_return fail(Code::kUnavailable, "no worker of the new generation is there and answers");
}

}  // namespace sluice::worker
