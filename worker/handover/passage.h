// Passage: one channel to a worker of the new generation. Two tasks: one sends what stands in line, one reads the
// answers. When the other worker is gone, talks nonsense or has been silent for too long, the channel is shut down;
// answers that were sent before that still count (restart/handover.h says why that is exact). Owned by HandOver.
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
    Nanos since_;
    std::uint64_t number_;
    std::optional<Result<>> result_;
  };

  Passage(Loop& loop, Fd channel);
  Passage(Passage&&) = delete;

  [[nodiscard]] bool open() const { return open_; }
  /// The two tasks; they end when the channel does.
  [[nodiscard]] Task<> send();
  [[nodiscard]] Task<> hear();

 private:
  [[nodiscard]] Task<Result<>> send_one(std::uint64_t number);
  [[nodiscard]] Result<> post(const restart::Parcel& parcel, std::span<const int> fds);
  [[nodiscard]] Result<> heard(std::string_view packet);
  [[nodiscard]] bool overdue() const;

  Loop& loop_;
  ipc::Channel channel_;
  bool open_ = true;
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, Parcel*> parcels_;  // in line or sent, by number
  std::deque<std::uint64_t> line_;
  Signal waiting_;
};

}  // namespace sluice::worker
