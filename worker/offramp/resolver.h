// Resolver: from the name of an origin to the addresses to connect to, in the order in which to try them.
//
// The idea: what needs no question is answered at once (literals, the `hosts` of the settings, localhost, the cache);
// everything else is one lookup per name, a task of the resolver's own that asks for A and AAAA side by side. Callers
// wait for it, any number of them, and may go away; the lookup goes on and fills the cache. Owned by the worker, made
// before the sandbox is entered (ares_channel.h says why), and outlives everybody who resolves. Never reads a file: the
// supervisor has read /etc/resolv.conf and /etc/hosts. An address from here is not yet one that may be connected to:
// that is asked at connect, of the very address (egress_policy.h).
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/loop.h"
#include "base/net/address.h"
#include "base/result.h"
#include "base/scope.h"
#include "base/task.h"
#include "worker/offramp/ares_channel.h"
#include "worker/offramp/dns_cache.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {

/// RFC 8305 section 3: with A in hand, this long is waited for AAAA. (With AAAA in hand nothing is waited for.)
inline constexpr Millis kResolutionDelay{50};

/// In the order in which to try: the families take turns, IPv6 first (RFC 8305 section 4).
using Addresses = std::vector<ResolvedAddress>;

/// What dial() wants.
[[nodiscard]] std::vector<SocketAddress> with_port(const Addresses& addresses, std::uint16_t port);

struct ResolverOptions {
  std::vector<SocketAddress> servers;  ///< none: names that need a question fail
  Millis timeout{2000};                ///< of the first try at each server
  int tries = 2;                       ///< at each server
  ServerOrder order = ServerOrder::kAsWritten;
  DnsCacheLimits cache;
  /// Names (lower case, no closing dot) answered from here, in the order written.
  std::map<std::string, std::vector<IpAddress>, std::less<>> hosts;
  /// Different names being asked for at the same time; beyond that callers get kOverload.
  std::size_t max_lookups = 1024;
};

class Resolver {
  struct Key {};  // only make() has one

 public:
  /// Errors: kSystem when c-ares cannot be set up.
  [[nodiscard]] static Result<std::unique_ptr<Resolver>> make(Loop& loop, ResolverOptions options);
  Resolver(Key key, Loop& loop, ResolverOptions options);
  Resolver(Resolver&&) = delete;
  ~Resolver();

  /// At least one address: all that both families have. `host` is a name or an IP literal without brackets, in any
  /// case, with or without a closing dot. Errors: kDnsFailure (no such name, no address, or every server failed),
  /// kDnsTimeout (no server answered, or `deadline` passed), kOverload, kBadSyntax (not a host name). Cancel: at any
  /// point.
  [[nodiscard]] Task<Result<Addresses>> resolve(std::string_view host, Deadline deadline);
  /// The same, but ends as soon as there is something to connect to, with one family when the other is late (RFC 8305
  /// section 3): then is_asking(host) is true, and rest() has all of them when they are there.
  [[nodiscard]] Task<Result<Addresses>> resolve_first(std::string_view host, Deadline deadline);
  /// Is a question about this name on its way?
  [[nodiscard]] bool is_asking(std::string_view host) const;
  /// What the question that is on its way comes to; nothing when there is none, when it fails, or at the deadline.
  [[nodiscard]] Task<Addresses> rest(std::string_view host, Deadline deadline);

  /// From now on every call of resolve() for a name is counted there too. Lifetime: as long as anybody resolves.
  void count_in(PathMetrics& metrics) { metrics_ = &metrics; }

  struct Counts {
    std::uint64_t lookups = 0;    ///< names for which servers were asked
    std::uint64_t shared = 0;     ///< callers who joined a lookup that was under way
    std::uint64_t failures = 0;   ///< lookups that ended without an answer; "no such name" is one
    std::uint64_t overloads = 0;  ///< callers turned away because of max_lookups
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] const DnsCache& cache() const { return cache_; }
  /// Lookups under way.
  [[nodiscard]] std::size_t active() const { return lookups_.size(); }

 private:
  struct Lookup;
  struct Waiting;
  enum class Want : std::uint8_t { kFirst, kAll };

  Task<Result<Addresses>> resolve(std::string_view host, Deadline deadline, Want want);
  [[nodiscard]] std::optional<Result<Addresses>> answer_here(const std::string& name);
  [[nodiscard]] Result<Addresses> counted(DnsSource source, Result<Addresses> result) const;
  [[nodiscard]] AresChannel& quietest();
  Task<> run(Lookup& lookup);
  void finish(Lookup& lookup, const AresQuery& v6, const AresQuery& v4);
  [[nodiscard]] Addresses addresses_of(const AresQuery& v6, const AresQuery& v4) const;

  Loop& loop_;
  ResolverOptions options_;
  DnsCache cache_;
  Counts counts_;
  PathMetrics* metrics_ = nullptr;
  std::unordered_map<std::string, std::unique_ptr<Lookup>> lookups_;
  std::vector<std::unique_ptr<AresChannel>> channels_;
  Scope tasks_;  // one per lookup; dies before the channels, so that their last callbacks find nobody
};

}  // namespace sluice::worker
