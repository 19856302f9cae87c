// AresChannel: one c-ares channel on the loop. c-ares builds queries, picks servers, retries, falls back to TCP and
// matches answers; this file gives it sockets, time, and a safe way to give up.
//
// The idea: c-ares calls us with facts, from inside its own functions; they are written down and a Signal is set, so no
// coroutine ever runs inside c-ares. Every socket has two small tasks that wait for edges and call c-ares; a third task
// looks after timeouts and after sockets that c-ares has closed. c-ares cannot cancel one query, so an AresQuery shares
// a heap ticket with the callback: destroyed, it blanks the ticket, and the late callback frees it.
//
// Sandbox: ares_init_options() opens /dev/urandom once, for the key of its query ids (and would go on with rand() if
// that failed). So a channel is made before the sandbox is entered and never again. It reads no other file: every
// setting that c-ares would look for in /etc is given, lookups are DNS only, aliases and domains are off. After that it
// makes these system calls: socket, connect, setsockopt, sendmsg, recvmsg, close, clock_gettime.
#pragma once
#include <ares.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/loop.h"
#include "base/net/address.h"
#include "base/result.h"
#include "base/scope.h"
#include "base/signal.h"
#include "base/task.h"
#include "proto/dns/answer.h"

namespace sluice::worker {

enum class ServerOrder : std::uint8_t {
  kAsWritten,  ///< each question begins with the first server
  kRotating,   ///< each question begins with the server after the one that the last question began with
};

struct AresOptions {
  std::vector<SocketAddress> servers;  ///< at least one
  Millis timeout{2000};                ///< of the first try at each server; doubles with each round
  int tries = 2;                       ///< rounds through the servers
  ServerOrder order = ServerOrder::kAsWritten;
};

class AresChannel {
  struct Key {};  // only make() has one

 public:
  /// Errors: kSystem when c-ares refuses.
  [[nodiscard]] static Result<std::unique_ptr<AresChannel>> make(Loop& loop, const AresOptions& options);
  AresChannel(Key key, Loop& loop);
  AresChannel(AresChannel&&) = delete;
  ~AresChannel();

  /// Queries that c-ares still works on, the abandoned ones included.
  [[nodiscard]] std::size_t outstanding() const { return outstanding_; }

 private:
  friend class AresQuery;
  struct Socket;
  struct Hooks;
  struct Free {
    void operator()(ares_channel channel) const { ares_destroy(channel); }
  };

  Task<> run();
  Task<> read_from(Socket& socket);
  Task<> write_to(Socket& socket);
  Socket* find(int fd);
  void retire(int fd);

  Loop& loop_;
  Signal work_;  // a query was sent, an answer came or a socket was closed: look at timeouts and retired_ again
  std::size_t outstanding_ = 0;
  std::vector<std::unique_ptr<Socket>> sockets_;
  std::vector<std::unique_ptr<Socket>> retired_;  // closed by c-ares, maybe from one of their own tasks
  Scope tasks_;
  std::unique_ptr<ares_channeldata, Free> ares_;
};

/// One question, asked by the constructor. Lives on the frame that waits; Cancel: its destructor lets go.
class AresQuery {
 public:
  /// `progress` is set when the answer is there. `host` has been checked (is_host_name()).
  AresQuery(AresChannel& channel, const std::string& host, dns::Type type, Signal& progress);
  AresQuery(AresQuery&&) = delete;
  ~AresQuery();

  [[nodiscard]] bool done() const { return ticket_ == nullptr; }
  /// Once done(). Errors: kDnsTimeout, kDnsFailure, or what dns::parse_answer() found wrong.
  [[nodiscard]] const Result<dns::Answer>& answer() const { return answer_; }

 private:
  struct Ticket;
  static void answered(void* ticket, int status, int timeouts, unsigned char* message, int size);
  void read(int status, std::span<const std::uint8_t> message);

  const std::string& host_;
  dns::Type type_;
  Signal& progress_;
  Ticket* ticket_;  // owned by c-ares until it calls back
  Result<dns::Answer> answer_;
};

}  // namespace sluice::worker
