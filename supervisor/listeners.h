// Every listening socket of every endpoint: bound here and held for as long as any generation has the address, so that
// no death of a worker and no upgrade loses an accept queue.
//
// TCP: SO_REUSEPORT sockets, at least one for each worker; the kernel spreads connections over them. Their number never
// shrinks while the address is in use: closing one would reset the connections in its queue, so with fewer workers each
// takes several, socket s going to worker s modulo their number. Sockets for a new generation are bound at once, so
// that a port that is taken is known, and listen only when the generation takes over: until then the kernel gives them
// nothing. Port 0 is chosen once and then shared. "dual:[::]:80" is one IPv6 socket for both families; an IPv6 address
// without it never takes IPv4. UNIX: one socket, which all workers of the tenant accept from.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/net/address.h"
#include "base/result.h"
#include "supervisor/unix_socket.h"

namespace sluice::restart {
struct SavedAddress;
}

namespace sluice::supervisor {
class Takeover;

/// "dual:" taken off an address.
struct ListenAddress {
  enum class Families : std::uint8_t { kOne, kDual };
  SocketAddress address;
  Families families = Families::kOne;
  [[nodiscard]] static Result<ListenAddress> parse(std::string_view text);
};

/// One address, with the sockets of all workers of its tenant. Shared by the generations that have it.
class BoundAddress {
 public:
  static constexpr mode_t kAnybody = 0666;
  struct Request {
    std::string configured;
    std::uint32_t workers;
    int backlog;
    mode_t unix_mode =
        kAnybody;  ///< clients of a UNIX endpoint are any local user; the folder's mode says who gets there
  };
  struct Socket {
    std::uint32_t number;  ///< unique while the supervisor lives
    int fd;                ///< non-blocking, close-on-exec; borrowed
  };
  enum class Which : std::uint8_t { kAll, kListening };

  [[nodiscard]] const std::string& configured() const { return configured_; }
  /// With the real port.
  [[nodiscard]] const std::string& bound() const { return bound_; }
  /// The sockets of one of `workers` workers.
  [[nodiscard]] std::vector<Socket> sockets_of(std::uint32_t worker, std::uint32_t workers, Which which) const;
  [[nodiscard]] std::vector<std::uint32_t> numbers() const;

  /// All sockets listen, with this backlog; one that a worker has made useless makes way for a new one. Errors: kSystem
  /// with the address.
  [[nodiscard]] Result<> listen(int backlog);
  /// Nobody new gets in until the next listen(); handshakes under way come to their end and into the queue, for
  /// somebody to take. TCP.
  void refuse_new();
  /// Closes our sockets: who connects from now on is refused, once the workers have closed theirs too. Who acquires it
  /// again gets new ones.
  void close();

 private:
  friend class ListeningSockets;
  struct Own {
    std::uint32_t number;
    Fd fd;
  };
  enum class Arrivals : std::uint8_t { kWelcome, kMaybeRefused };
  BoundAddress() = default;
  /// What acquire() gave somebody: so many sockets there were then.
  struct Claim;
  /// Closes what does not listen and no claim has.
  void trim();
  [[nodiscard]] Result<> bind_anew(Own& socket);
  [[nodiscard]] Result<> mend_unix(int backlog);
  [[nodiscard]] Result<> bind_unix(int backlog);
  std::string configured_;
  std::string bound_;
  ListenAddress listen_;
  std::vector<Own> sockets_;  // TCP
  std::size_t listening_ = 0;
  std::multiset<std::size_t> claims_;
  std::shared_ptr<std::uint32_t> next_number_;  // of all sockets there are
  int backlog_ = -1;                            // of those that listen, where we know it
  Arrivals arrivals_ = Arrivals::kWelcome;
  std::unique_ptr<UnixListener> unix_;  // or this
  std::uint32_t unix_number_ = 0;
  mode_t unix_mode_ = kAnybody;
  UnixListener::Others unix_others_ = UnixListener::Others::kReplace;
};

/// All addresses that are in use, so that a new generation gets the sockets of the old.
class ListeningSockets {
 public:
  /// The address with at least one socket per worker: known under `key`, or bound now. Who lets go of it gives up what
  /// was bound for them alone and never listened. Errors: the address and the reason in one sentence; what is in use
  /// has not been touched.
  [[nodiscard]] Result<std::shared_ptr<BoundAddress>> acquire(const std::string& key,
                                                              const BoundAddress::Request& request);
  /// For a socket of another kind.
  [[nodiscard]] std::uint32_t take_number() { return (*next_number_)++; }

  /// Workers of a supervisor that has died still listen: who is at an address may be one of them.
  void expect_orphans() { company_ = Company::kOrphans; }
  void forget_orphans() { company_ = Company::kNone; }
  [[nodiscard]] bool has_orphans() const { return company_ == Company::kOrphans; }
  /// Files of UNIX sockets stay when these are closed: somebody else keeps the sockets.
  void leave_files();
  /// All that are in use, for another program that goes on with them.
  [[nodiscard]] std::vector<restart::SavedAddress> save() const;
  [[nodiscard]] std::uint32_t next_number() const { return *next_number_; }
  /// Addresses whose sockets are ours already: known from here on, for as long as somebody has them. Errors: kBadSyntax
  /// for what is no address; nothing has been taken then.
  [[nodiscard]] Result<std::vector<std::shared_ptr<BoundAddress>>> adopt(
      const std::vector<restart::SavedAddress>& addresses, std::uint32_t next_number);
  /// Those of the program before this one. Until grow_again() each is as it was: one that was closed stays so.
  [[nodiscard]] std::vector<std::shared_ptr<BoundAddress>> go_on(const Takeover& from);
  void grow_again() { growth_ = Growth::kYes; }

 private:
  enum class Company : std::uint8_t { kNone, kOrphans };
  [[nodiscard]] Result<> grow(BoundAddress& address, std::uint32_t workers);
  [[nodiscard]] static std::shared_ptr<BoundAddress> claimed(std::shared_ptr<BoundAddress> address);
  [[nodiscard]] bool ours(std::uint16_t port);

  std::map<std::string, std::weak_ptr<BoundAddress>> known_;
  std::shared_ptr<std::uint32_t> next_number_ = std::make_shared<std::uint32_t>(1);
  Company company_ = Company::kNone;
  enum class Growth : std::uint8_t { kNone, kYes };
  Growth growth_ = Growth::kYes;
};

}  // namespace sluice::supervisor
