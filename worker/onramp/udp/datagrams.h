// Datagrams: the UDP sockets of a worker, their flows, and the echo that answers them.
//
// Every source has its share (flows, datagrams a second) before anything is done for it. A flow begins with its first
// datagram and ends when it falls silent; it is in the connection table and in the ledger of a switch. At a switch a
// worker goes on answering its flows. Where the kernel steers (Duty::kRead, places 0) it goes on reading its own
// sockets too, to which nothing new comes; where workers share sockets it hands each over to its reader in the other
// generation, with a list of the flows that it knows (relay.h), and is passed what is its own.
//
// Whoever leaves is steered around first (the supervisor, or `release`), reads for the last time, and is gone.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/scope.h"
#include "base/signal.h"
#include "base/task.h"
#include "ipc/messages.h"
#include "restart/drain.h"
#include "worker/limits/sources.h"
#include "worker/onramp/udp/batch.h"
#include "worker/onramp/udp/flow_table.h"
#include "worker/onramp/udp/relay.h"
#include "worker/services.h"
#include "worker/telemetry/datagram_series.h"

namespace sluice::worker {

class Datagrams {
 public:
  /// Makes everything that wants randomness or memory: before the sandbox is entered.
  Datagrams(const Services& services, ipc::MetricsWriter& writer, WorkerId self);
  Datagrams(Datagrams&&) = delete;

  /// Takes a socket in, unless it is no UDP socket of an endpoint for datagrams; accept() begins to use it.
  void add(const ipc::Listeners::Item& item, Fd socket);
  void meet(const ipc::Mailboxes& mailboxes, std::vector<Fd> fds);
  /// For ever; spawned by the worker.
  Task<> run();

  /// Reads, for the first time or again.
  void accept();
  void pause(const ipc::Pause& pause);
  /// Everything that is open is in the ledger from now on.
  void mark_open();
  /// Ends when the last flow has ended, cutting each when its budget is spent, and when nobody passes us anything any
  /// more; returns how many were cut. The order is looked at anew each time.
  Task<std::size_t> drain(const restart::DrainOrder& order);
  /// Nobody steers to us any more: answers what has come.
  Task<> last_look();
  [[nodiscard]] bool any() const { return !sockets_.empty(); }
  /// Of ours.
  [[nodiscard]] std::size_t flows() const { return open_; }

 private:
  struct Place {  // an endpoint at work
    const ipc::EndpointSettings& settings;
    std::uint16_t endpoint;
    Sources sources;
    FlowTable flows;  // after the sources: flows are visits there
    DatagramSeries series;
    std::string tag;
    Place(const ipc::EndpointSettings& its, std::uint16_t index, ipc::MetricsWriter& writer, const WorkerId& self);
  };
  struct Socket {
    std::uint32_t number;
    Fd fd;
    Place& place;
    int family;
    std::uint16_t port;
    std::uint16_t share;   // which of those that workers share
    std::uint16_t shares;  // 0: not shared
    ipc::Duty duty;
    Signal handed;  // by its reader in the other generation
    Scope task;     // empty: somebody else reads
    Socket(const ipc::Listeners::Item& item, Fd socket, Place& at, int its_family, std::uint16_t its_port);
  };

  // reading
  Task<> read(Socket& socket);
  DatagramBatch::Received read_some(Socket& socket);
  void arrived(Socket& socket, const DatagramKey& key, std::span<const char> bytes);
  void answer(Socket& socket, Flow& flow, std::span<const char> bytes);
  void flush(Socket& socket);
  [[nodiscard]] Flow* begin(Socket& socket, const DatagramKey& key, FlowOwner owner);
  void end(Place& place, Flow& flow, ipc::Fate fate);
  void forget_silent();
  [[nodiscard]] bool reads(const Socket& socket) const { return socket.shares == 0 || self_.worker < socket.shares; }
  [[nodiscard]] Socket* find_socket(std::uint32_t number);
  void start_reading(Socket& socket);
  std::size_t enforce(const restart::DrainOrder& order);

  // passing.cc
  [[nodiscard]] FlowOwner owner_of_new(const Socket& socket, const DatagramKey& key) const;
  void pass_on(Socket& socket, Flow& flow, std::span<const char> bytes);
  void forget_claims(FlowOwner of);
  Task<> read_inbox();
  void take_packets();
  void take_packet(const Relay::Packet& packet);
  void take_passed(const Relay::Packet& packet);
  void take_claims(const Relay::Packet& packet);
  Task<> hand_over(Socket& socket, WorkerId reader);
  Task<> send_claims(Socket& socket, FlowOwner to);
  Task<> announce(FlowOwner to);
  Task<> release();

  const Services& services_;
  WorkerId self_;
  Relay relay_;
  DatagramBatch batch_;
  bool accepting_ = false;
  bool marked_ = false;
  bool inbox_read_ = false;
  std::size_t open_ = 0;
  std::size_t released_ = 0;                    // answers to our release
  Signal news_;                                 // of the release
  std::vector<std::unique_ptr<Place>> places_;  // by endpoint; null where it is TCP
  std::vector<std::unique_ptr<Socket>> sockets_;
  Scope errands_;
};

}  // namespace sluice::worker
