// Requests: one on each connection or many, and bodies that move slowly in either direction.
#pragma once
#include "tests/restart/load/client.h"

namespace sluice::load {

class HttpClient final : public Client {
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
  void ask();
  void send_more();
  void take_head(std::string_view bytes);
  void take_body(std::string_view bytes);
  void answered();
  void lose(Kind kind);
  void over();
  [[nodiscard]] bool keeps() const;

  enum class State : std::uint8_t { kOff, kConnecting, kAsking, kIdle };
  State state_ = State::kOff;
  std::string out_;  // the head and what small body there is
  std::size_t out_sent_ = 0;
  std::uint64_t body_sent_ = 0;  // of a slow upload
  std::uint64_t body_size_ = 0;  // of the slow upload
  std::string head_;
  bool head_done_ = false;
  bool closes_ = false;     // the answer says so
  bool good_ = true;        // status and bytes are what they should be
  std::uint64_t left_ = 0;  // of the answer's body
  std::uint64_t taken_ = 0;
  std::uint32_t answers_ = 0;  // on this connection
  std::uint32_t random_ = number_ * 2654435761U + 1;
};

}  // namespace sluice::load
