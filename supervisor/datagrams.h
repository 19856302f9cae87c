// UDP sockets of endpoints: bound here, held for as long as a generation has the address, handed to workers.
//
// All sockets of an address are one SO_REUSEPORT group, made by one user, and answers leave from the address that was
// asked (IP_PKTINFO). How datagrams find their worker is steering.h's business: with bpf each generation brings sockets
// of its own, one for each worker; with forward the first generation's sockets are everybody's, and their number never
// changes, because the kernel's choice would change with it. A socket that nobody reads is a hole, so a worker that
// leaves is steered around before it reads for the last time.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "ipc/messages.h"
#include "supervisor/listeners.h"
#include "supervisor/steering.h"

namespace sluice::restart {
struct SavedDatagrams;
}

namespace sluice::supervisor {

class Takeover;

class DatagramShare;

/// One address, shared by the generations that have it.
class DatagramAddress {
 public:
  struct Own {
    std::uint32_t number;
    Fd fd;
  };
  DatagramAddress(Steering& steering, ListenAddress listen) : steering_(steering), listen_(std::move(listen)) {}
  DatagramAddress(DatagramAddress&&) = delete;
  ~DatagramAddress();

  [[nodiscard]] const std::string& bound() const { return bound_; }

 private:
  friend class DatagramSockets;
  friend class DatagramShare;
  Steering& steering_;
  ListenAddress listen_;
  std::string configured_;
  std::string bound_;
  std::uint32_t index_ = 0;  // bpf: in the maps
  bool steered_ = false;
  std::vector<Own> shared_;             // forward
  std::vector<DatagramShare*> shares_;  // of all generations
};

/// What one generation has of an address.
class DatagramShare {
 public:
  struct Socket {
    std::uint32_t number;  ///< unique while the supervisor lives, also among listening sockets
    int fd;                ///< borrowed
    ipc::Duty duty;
    std::uint16_t place;
    std::uint16_t places;
  };
  enum class Turn : std::uint8_t {
    kNext,     ///< the generation is to serve; another reads what they share
    kServing,  ///< it serves: a process that starts reads at once
  };
  DatagramShare(std::shared_ptr<DatagramAddress> address, std::string configured, std::uint64_t generation);
  DatagramShare(DatagramShare&&) = delete;
  ~DatagramShare();

  [[nodiscard]] const std::string& configured() const { return configured_; }
  [[nodiscard]] const std::string& bound() const { return address_->bound(); }
  [[nodiscard]] const DatagramAddress* address() const { return address_.get(); }
  [[nodiscard]] std::vector<Socket> sockets_of(std::uint32_t worker, std::uint32_t workers, Turn turn) const;
  [[nodiscard]] std::vector<std::uint32_t> numbers() const;
  /// Nothing new comes to this worker.
  void steer_away(std::uint32_t worker);

 private:
  friend class DatagramSockets;
  std::shared_ptr<DatagramAddress> address_;
  std::string configured_;
  std::uint64_t generation_;
  bool first_ = false;                     // nobody has had the address before
  std::vector<DatagramAddress::Own> own_;  // bpf
};

/// Where a worker is passed datagrams by others.
struct MailboxPair {
  Fd inbox;
  Fd outbox;
};
/// Errors: kSystem.
[[nodiscard]] Result<MailboxPair> make_mailbox();

class DatagramSockets {
 public:
  struct Request {
    std::string key;         ///< what makes the address the same in two generations
    std::string configured;  ///< "127.0.0.1:4433"
    std::uint32_t workers;
    std::uint64_t generation;
    std::uint32_t idle_seconds;
    ipc::UdpSteering steering;
  };
  explicit DatagramSockets(ListeningSockets& numbers) : numbers_(numbers) {}

  /// Errors: the address and the reason in one sentence; what is in use has not been touched.
  [[nodiscard]] Result<std::unique_ptr<DatagramShare>> acquire(const Request& request);
  [[nodiscard]] Steering& steering() { return steering_; }
  [[nodiscard]] const Steering& steering() const { return steering_; }

  // saved_datagrams.cc
  [[nodiscard]] restart::SavedDatagrams save() const;
  /// What was saved; the addresses live for as long as somebody holds them, and acquire() takes the rest.
  [[nodiscard]] std::vector<std::shared_ptr<DatagramAddress>> go_on(const Takeover& from);

 private:
  [[nodiscard]] Result<std::shared_ptr<DatagramAddress>> find_or_bind(const Request& request, Fd& first);
  [[nodiscard]] Result<std::unique_ptr<DatagramShare>> make_share(const Request& request);
  [[nodiscard]] bool ours(std::uint16_t port) const;

  ListeningSockets& numbers_;
  Steering steering_;
  std::map<std::string, std::weak_ptr<DatagramAddress>> known_;
  std::map<std::pair<std::string, std::uint64_t>, std::vector<DatagramAddress::Own>> left_;  // by the program before
};

}  // namespace sluice::supervisor
