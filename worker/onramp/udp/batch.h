// DatagramBatch: datagrams by the dozen, one system call for all that wait (recvmmsg) and one for all answers
// (sendmmsg). Buffers are made once; each datagram comes whole, whatever its size, with the address that it was sent
// to, and its answer leaves from there (IP_PKTINFO, IPV6_PKTINFO), also where the socket is bound to all addresses.
//
// Segmentation offload (UDP_GRO, UDP_SEGMENT) is not used: a client's datagrams come one by one anyway, and what is
// answered is as small as what was asked. Whoever relays trains of datagrams switches it on here.
#pragma once
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/net/address.h"
#include "worker/onramp/udp/flow_table.h"

namespace sluice::worker {

class DatagramBatch {
 public:
  static constexpr std::size_t kMost = 32;
  static constexpr std::size_t kBytes = 65'536;  // more than any datagram has

  DatagramBatch();
  DatagramBatch(DatagramBatch&&) = delete;

  struct Received {
    std::size_t count = 0;
    int error = 0;  ///< errno when it is 0; EAGAIN when nothing waits
  };
  /// Takes what waits at `socket`, at most kMost.
  [[nodiscard]] Received receive(int socket);
  [[nodiscard]] std::span<const char> bytes(std::size_t at) const;
  /// Whose it is. False when there is no telling: cut short, another family, port 0.
  [[nodiscard]] bool key(std::size_t at, std::uint16_t local_port, DatagramKey& into) const;

  struct Sent {
    std::size_t datagrams = 0;
    std::size_t bytes = 0;
    std::size_t failed = 0;
  };
  /// Puts an answer to `key` in line: `prefix`, then `bytes`, which must stay until send(). At most kMost.
  void answer(const DatagramKey& key, int family, std::string_view prefix, std::span<const char> bytes);
  [[nodiscard]] bool full() const { return answers_ == kMost; }
  /// Sends what stands in line. What the kernel does not take is lost, as datagrams are.
  [[nodiscard]] Sent send(int socket);

 private:
  static constexpr std::size_t kControl = 128;
  struct alignas(cmsghdr) Control {
    std::array<char, kControl> bytes;
  };
  struct Line {
    std::array<mmsghdr, kMost> messages{};
    std::array<std::array<iovec, 2>, kMost> parts{};
    std::array<sockaddr_storage, kMost> peers{};
    std::array<Control, kMost> controls{};
  };

  std::unique_ptr<char[]> buffers_;  // NOLINT(modernize-avoid-c-arrays): not initialised, 2 MiB
  std::unique_ptr<Line> in_;
  std::unique_ptr<Line> out_;
  std::size_t answers_ = 0;
};

/// The client of a flow.
[[nodiscard]] SocketAddress source_of(const DatagramKey& key);

}  // namespace sluice::worker
