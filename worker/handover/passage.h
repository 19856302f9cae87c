// Passage: one channel to a worker of the new generation. Two tasks: one sends what stands in line, one reads the
// answers. When the other worker is gone, talks nonsense or has been silent for too long, the channel is shut down;
// answers that were sent before that still count (restart/handover.h says why that is exact).
//
// A connection that is on its way serves nobody, so it sets out only when the other worker has just shown that it
// listens: it is asked by an offer of version 0, without descriptors, which every build refuses at once.
// Owned by HandOver.
#pragma once
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "base/loop.h"
#include "base/result.h"
#include "base/signal.h"
#include "base/task.h"
#include "ipc/channel.h"
#include "restart/handover.h"

namespace sluice::worker {

class Passage {
 public:
  /// One connection on its way. Lives on the frame of who waits.
  class Parcel {
   public:
    Parcel(Passage& passage, std::string_view state, std::span<const int> fds);
    Parcel(Parcel&&) = delete;
    ~Parcel();

    Signal answered;
    /// Once answered. kUnavailable: the channel has failed, and the connection is surely not with the other worker.
    [[nodiscard]] const Result<>& result() const { return *result_; }

   private:
    friend class Passage;
    void answer(Result<> result);
    Passage& passage_;
    std::string_view state_;
    std::span<const int> fds_;
    std::uint64_t number_;
    std::optional<Result<>> result_;
  };

  Passage(Loop& loop, Fd channel);
  Passage(Passage&&) = delete;

  [[nodiscard]] bool open() const { return open_; }
  /// It has answered a moment ago.
  [[nodiscard]] bool awake() const;
  /// It has been asked, and has not answered for longer than a connection may wait.
  [[nodiscard]] bool asleep() const;
  /// Asks, unless a question stands open.
  void ask();
  /// Asks, and waits until it is awake; false when that takes longer than a connection may wait.
  [[nodiscard]] Task<bool> wake();
  /// The two tasks; they end when the channel does.
  [[nodiscard]] Task<> send();
  [[nodiscard]] Task<> hear();

 private:
  [[nodiscard]] Task<Result<>> send_one(std::uint64_t number);
  [[nodiscard]] Result<> ask_now();
  [[nodiscard]] Result<> post(const restart::Parcel& parcel, std::span<const int> fds);
  [[nodiscard]] Result<> heard(std::string_view packet);
  [[nodiscard]] bool overdue() const;
  [[nodiscard]] Millis patience() const;

  Loop& loop_;
  ipc::Channel channel_;
  bool open_ = true;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, Parcel*> parcels_;  // in line or sent, by number
  std::deque<std::uint64_t> line_;
  std::optional<Nanos> silent_since_;  // something of ours has no answer
  std::optional<Nanos> heard_;         // the last answer
  Nanos slowest_{0};                   // answer
  std::uint64_t question_ = 0;         // its number; 0: none stands open
  Signal waiting_;
};

}  // namespace sluice::worker
