// A DNS server that says what a test tells it to, on UDP and TCP of one loopback port, on the test's own loop.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/loop.h"
#include "base/net/address.h"
#include "base/scope.h"
#include "base/task.h"
#include "tests/unit/proto/dns/message_builder.h"

namespace sluice::worker::test {

using dns::test::Bytes;
using dns::test::MessageBuilder;

enum class Transport : std::uint8_t { kUdp, kTcp };

struct Question {
  std::uint16_t id = 0;
  std::string name;
  std::uint16_t type = 0;
  Transport transport = Transport::kUdp;
  std::uint16_t from_port = 0;

  [[nodiscard]] bool is(dns::Type wanted) const { return type == static_cast<std::uint16_t>(wanted); }
  /// An answer to this very question; add records to it.
  [[nodiscard]] MessageBuilder answer() const { return {id, name, type}; }
};

/// What goes back, each as one datagram or one TCP message, after `delay`. Nothing: silence.
struct Reply {
  std::vector<Bytes> messages;
  Millis delay{0};
};

class DnsServer {
 public:
  using Script = std::function<Reply(const Question&)>;

  DnsServer(Loop& loop, Script script);
  DnsServer(DnsServer&&) = delete;

  [[nodiscard]] const SocketAddress& address() const { return address_; }
  [[nodiscard]] const std::vector<Question>& seen() const { return seen_; }
  [[nodiscard]] std::size_t seen_over(Transport transport) const;

 private:
  Task<> serve_udp();
  Task<> serve_tcp();
  Task<> serve_connection(Fd fd);
  Task<> send_datagrams(Reply reply, RawAddress to);

  Loop& loop_;
  Script script_;
  SocketAddress address_;
  Fd udp_;
  Fd tcp_;
  std::vector<Question> seen_;
  Scope scope_;
};

}  // namespace sluice::worker::test
