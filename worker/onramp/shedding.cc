// The part of the acceptor that protects the worker from running out: of data blocks by shedding, of descriptors by not
// accepting. See acceptor.h.
//
// Blocks are shed in the order of what is lost: first the connections whose request head is still on its way, the
// newest first, because a slow head holds a whole block and has had nothing done for it; when that is not enough, new
// requests are answered with 503 (worker/flow/limited.cc). Idle connections hold no block, and what is being served
// goes on.
#include <sys/resource.h>

#include <algorithm>

#include "base/sys.h"
#include "worker/onramp/acceptor.h"

namespace sluice::worker {
namespace {

constexpr Millis kLook(200);      // a flood of heads that never end is noticed this late at most
constexpr Millis kShedEvery(20);  // finding the victims means walking over all connections

// Descriptors that are left to what serves the clients: connections to origins, pipes of tunnels, name look-ups.
std::size_t reserve_of(std::size_t descriptors) {
  constexpr std::size_t kLeast = 8;
  constexpr std::size_t kMost = 1024;
  return std::clamp(descriptors / 8, kLeast, kMost);
}

}  // namespace

std::size_t Acceptor::descriptor_mark(std::uint32_t configured) {
  rlimit limit{};
  std::size_t most = configured;
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) most = std::min<std::size_t>(most, limit.rlim_max);
  return most - std::min(most, reserve_of(most));
}

// The kernel gives out the lowest number that is free: a new descriptor's number is how many are in use, at least.
bool Acceptor::short_of_descriptors() const {
  const Result<Fd> probe = sys::socket(AF_INET, SOCK_STREAM, 0);
  return !probe || static_cast<std::size_t>(probe->get()) >= descriptor_mark_;
}

void Acceptor::crowd() {
  if (crowded_) return;
  crowded_ = true;
  services_.metrics.accept_paused(AcceptPaused::kDescriptors);
  services_.log.warn("accepting paused", {{"why", "descriptors"}, {"connections", connections()}});
}

bool Acceptor::still_crowded() {
  if (!crowded_) return false;
  crowded_ = short_of_descriptors();
  if (!crowded_) services_.log.info("accepting again", {{"connections", connections()}});
  return crowded_;
}

bool Acceptor::shed() {
  const std::size_t excess = services_.limits.excess_blocks();
  if (excess <= shedding_) return true;
  const Nanos now = services_.loop.now();
  if (now < next_shed_) return false;
  next_shed_ = now + kShedEvery;
  std::size_t victims = 0;
  for (Client* client = clients_; client != nullptr && shedding_ < excess; client = client->next) {
    if (client->shed || client->connection.slot.state() != ipc::ConnectionState::kReading) continue;
    client->shed = true;
    ++shedding_;
    ++victims;
    services_.metrics.connection_refused(client->endpoint, Refused::kMemory);
    client->stream.abort();
  }
  if (victims != 0) services_.log.warn("connections shed", {{"why", "memory"}, {"connections", victims}});
  return excess <= shedding_;
}

Task<> Acceptor::watch_memory() {
  for (;;) {
    co_await services_.loop.sleep(kLook);
    if (services_.limits.excess_blocks() != 0) static_cast<void>(shed());
  }
}

}  // namespace sluice::worker
