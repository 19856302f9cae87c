// Signer: has signatures made by the keyholder (ipc/signing.h), which alone has private keys, while the loop goes on.
// What is asked for in one turn of the loop leaves in one packet. When the keyholder dies, what waits goes on waiting,
// until the next one is there or the handshake's time is over.
//
// Signature: one of them, owned by the handshake that waits for it; destroying it is giving it up.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/fd.h"
#include "base/loop.h"
#include "base/result.h"
#include "base/scope.h"
#include "base/signal.h"
#include "ipc/channel.h"
#include "ipc/signing.h"

namespace sluice::worker {

class Signature;

class Signer {
 public:
  /// Signatures that wait at a time; more are refused.
  static constexpr std::size_t kMostWaiting = 4096;

  explicit Signer(Loop& loop) : loop_(loop) {}
  Signer(Signer&&) = delete;
  ~Signer();

  /// To whom it talks from now on; asks again for what waits.
  void connect(Fd channel);
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  friend class Signature;
  [[nodiscard]] Result<> ask(Signature& signature);
  void forget(std::uint64_t number);
  Task<> send();
  /// Errors: the channel's.
  [[nodiscard]] Result<> send_unsent();
  Task<> pump();
  Task<> listen();
  void take(ipc::SignAnswer answer);

  Loop& loop_;
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, Signature*> waiting_;
  std::deque<std::uint64_t> unsent_;
  Signal to_send_;
  std::unique_ptr<ipc::Channel> channel_;  // null: nobody to talk to
  Scope talking_;                          // with the one behind the channel
};

class Signature {
 public:
  explicit Signature(Signer& signer) : signer_(signer) {}
  Signature(Signature&&) = delete;
  ~Signature();

  /// Once. Errors: kOverload when too many wait, kProtocol when the input is too long.
  [[nodiscard]] Result<> begin(std::string key, std::uint16_t algorithm, std::string_view input);
  /// Set when it is there, or will never be.
  [[nodiscard]] Signal& ended() { return ended_; }
  [[nodiscard]] bool has_ended() const { return ended_.is_set(); }
  /// After that. Errors: kUnavailable, with why there is none.
  [[nodiscard]] Result<std::string_view> bytes() const;

 private:
  friend class Signer;
  Signer& signer_;
  ipc::SignRequest request_;
  ipc::SignAnswer answer_;
  Signal ended_;
};

}  // namespace sluice::worker
