// What the load does, from the command line.
#pragma once
#include <netinet/in.h>

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::load {

enum class Mode : std::uint8_t {
  kChurn,     ///< a connection for each request
  kBurst,     ///< one request on each connection, all at once, and that is all
  kKeep,      ///< POST with a body on kept connections, with pauses; nothing is ever tried again
  kHold,      ///< one request on a kept connection, and then nothing
  kUpload,    ///< bodies that go up slowly
  kDownload,  ///< bodies that are taken slowly
  kConnect,   ///< messages through tunnels made by CONNECT
  kUpgrade,   ///< messages through connections that were upgraded
  kFlows,     ///< flows of datagrams, each answered
  kShots,     ///< one datagram from each port, one after the other
};

struct Plan {
  Mode mode = Mode::kChurn;
  std::uint16_t port = 0;
  std::uint16_t target = 0;        ///< where CONNECT goes
  std::uint32_t connections = 32;  ///< at a time
  double rate = 0;                 ///< churn: connections a second; 0: as fast as it goes
  std::chrono::milliseconds think{200};
  std::chrono::milliseconds timeout{10000};
  std::chrono::milliseconds every{100};  ///< between two messages of a tunnel
  std::uint64_t size = 1 << 20;          ///< of a body
  std::uint64_t pace = 256 << 10;        ///< bytes a second of a body

  /// Who calls what is wrong in the words of the message.
  static std::expected<Plan, std::string> read(const std::vector<std::string_view>& arguments);
};

/// Bytes that both ends know: any piece of it can be compared without being kept.
class Pattern {
 public:
  Pattern();
  /// As many bytes as there are at once from this offset on, at least one and at most `most`.
  [[nodiscard]] std::string_view piece(std::uint64_t offset, std::uint64_t most) const;
  [[nodiscard]] bool matches(std::uint64_t offset, std::string_view bytes) const;

 private:
  std::string bytes_;
};

/// 127.0.0.1 at this port.
sockaddr_in loopback(std::uint16_t port);

}  // namespace sluice::load
