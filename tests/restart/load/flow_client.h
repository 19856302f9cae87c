// Datagrams: a flow that goes on and on, or one datagram from a port of its own each time, as DNS has it.
//
// The endpoint answers with the worker's name and the same bytes (mode: echo, echo.tag). A flow whose worker changes
// has lost what a proxy keeps for it; a datagram without an answer is lost. The socket is connected, so an answer from
// another address never arrives.
#pragma once
#include <string>

#include "base/fd.h"
#include "tests/restart/load/client.h"

namespace sluice::load {

class FlowClient final : public Caller {
 public:
  FlowClient(World& world, std::uint32_t number) : world_(world), number_(number) {}

  void start(Time since) override;
  void stop() override;
  [[nodiscard]] bool quiet() const override { return !socket_; }
  void ready(std::uint32_t events) override;
  void time_came() override;

 private:
  void send();
  void answered(std::string_view bytes);
  void in(Clock::duration time) { world_.loop.call_at(Clock::now() + time, *this); }
  [[nodiscard]] bool shots() const { return world_.plan.mode == Mode::kShots; }
  /// What has no answer never will.
  void close();

  World& world_;
  std::uint32_t number_;
  Fd socket_;
  std::string worker_;
  std::uint64_t sent_ = 0;
  std::uint64_t back_ = 0;
  Time since_;
  bool stopping_ = false;
};

}  // namespace sluice::load
