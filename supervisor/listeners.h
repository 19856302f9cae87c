// Every listening socket of every endpoint: bound here, before anything is started, and held for as long as the
// supervisor lives, so that no death of a worker loses an accept queue.
//
// TCP: one SO_REUSEPORT socket for each worker and address; the kernel spreads connections over them. Port 0 is chosen
// once and then shared by the other workers' sockets. "dual:[::]:80" is one IPv6 socket for both families; an IPv6
// address without it never takes IPv4. UNIX: one socket, which all workers of the tenant accept from.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/net/address.h"
#include "base/result.h"
#include "supervisor/unix_socket.h"

namespace sluice::supervisor {

/// "dual:" taken off an address.
struct ListenAddress {
  enum class Families : std::uint8_t { kOne, kDual };
  SocketAddress address;
  Families families = Families::kOne;
  [[nodiscard]] static Result<ListenAddress> parse(std::string_view text);
};

/// One configured address of one endpoint, bound for every worker of its tenant.
class BoundAddress {
 public:
  struct Request {
    std::string configured;
    std::uint32_t workers;
    int backlog;
    mode_t unix_mode = 0666;  ///< clients of a UNIX endpoint are any local user; the folder's mode says who gets there
  };
  /// Errors: the address and the reason in one sentence.
  [[nodiscard]] static Result<BoundAddress> bind(const Request& request);

  [[nodiscard]] const std::string& configured() const { return configured_; }
  /// With the real port.
  [[nodiscard]] const std::string& bound() const { return bound_; }
  /// The descriptor for this worker: non-blocking, close-on-exec. Borrowed.
  [[nodiscard]] int socket_of(std::uint32_t worker) const;
  /// Closes our sockets: who connects from now on is refused, once the workers have closed theirs too.
  void close();

 private:
  BoundAddress() = default;
  std::string configured_;
  std::string bound_;
  std::vector<Fd> sockets_;             // TCP: one per worker
  std::unique_ptr<UnixListener> unix_;  // or this
};

}  // namespace sluice::supervisor
