// Messages through a tunnel, one every so often, that must come back whole and in order.
#pragma once
#include "tests/restart/load/client.h"

namespace sluice::load {

class TunnelClient final : public Client {
 public:
  using Client::Client;

  void stop() override;
  void time_came() override;

 protected:
  void connected() override;
  void received(std::string_view bytes) override;
  void writable() override;
  void ended(int error) override;
  void not_connected() override;

 private:
  void lose(Kind kind);

  static constexpr std::uint64_t kMessage = 128;
  enum class State : std::uint8_t { kOff, kAsking, kOpen, kEnding };
  State state_ = State::kOff;
  std::string head_;
  std::uint64_t sent_ = 0;  // bytes, message after message of the pattern
  std::uint64_t back_ = 0;
};

}  // namespace sluice::load
