// Reception: the new worker's side of restart/handover.h, one for each channel: puts the pieces of an offer together
// and says what becomes of it. Who the connection then belongs to is the acceptor's business.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/loop.h"
#include "base/result.h"
#include "base/task.h"
#include "ipc/channel.h"
#include "restart/handover.h"

namespace sluice::worker {

class Reception {
 public:
  Reception(Loop& loop, Fd channel);
  Reception(Reception&&) = delete;

  struct Arrival {
    std::uint64_t number;
    restart::MovedConnection connection;
    std::vector<Fd> fds;  ///< as many as the connection says
  };
  /// The next connection whose state can be read; others have been refused. Errors: kClosed when the old worker has
  /// nothing more, kProtocol; final, both.
  [[nodiscard]] Task<Result<Arrival>> next();
  /// The connection is ours. Ends when the kernel has the answer: nothing may be done with the connection before.
  /// Errors: it is not ours, and must be dropped without a word.
  [[nodiscard]] Task<Result<>> take(std::uint64_t number);
  [[nodiscard]] Task<Result<>> refuse(std::uint64_t number, std::string why);

 private:
  [[nodiscard]] Task<Result<>> answer(restart::Parcel parcel);
  /// The bytes of an offer.
  [[nodiscard]] Task<Result<std::string>> pieces(std::size_t size);

  Loop& loop_;
  ipc::Channel channel_;
};

}  // namespace sluice::worker
