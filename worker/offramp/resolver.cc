// See resolver.h.
#include "worker/offramp/resolver.h"

#include <algorithm>
#include <array>
#include <list>
#include <utility>

#include "base/net/host_name.h"
#include "base/signal.h"

namespace sluice::worker {
namespace {

// c-ares keeps its socket, and with it the source port, as long as anything is outstanding on a channel. Several
// channels mean several ports, and usually an idle channel that opens a new one: harder to spoof (RFC 5452
// section 9.2).
constexpr std::size_t kChannels = 4;

Error dns_error(Code code, std::string what) {
  return Error(code, std::move(what)).from(Side::kOrigin).retry(Retry::kYes);
}

bool is_at_or_below(std::string_view name, std::string_view zone) {
  return name.ends_with(zone) && (name.size() == zone.size() || name[name.size() - zone.size() - 1] == '.');
}

bool has_addresses(const AresQuery& query) {
  return query.done() && query.answer() && query.answer()->kind == dns::Answer::Kind::kAddresses;
}

bool says(const AresQuery& query, dns::Answer::Kind kind) {
  return query.answer() && query.answer()->kind == kind;
}

}  // namespace

std::vector<SocketAddress> with_port(const Addresses& addresses, std::uint16_t port) {
  std::vector<SocketAddress> candidates;
  candidates.reserve(addresses.size());
  for (const ResolvedAddress& address : addresses) candidates.emplace_back(address.ip, port);
  return candidates;
}

// One name that is being asked for. Lives until both answers are in, however many wait for it.
struct Resolver::Lookup {
  explicit Lookup(std::string name) : name(std::move(name)) {}

  void publish(const Result<Addresses>& result);
  /// Only to those who do not want to wait for the rest.
  void publish_early(Addresses known);

  std::string name;
  Signal progress;
  std::list<Waiting*> waiting;
  Addresses early;  // what is known while one of the answers is late
};

// One caller of resolve(), on its frame.
struct Resolver::Waiting {
  Waiting(Lookup& lookup, Want want)
      : lookup(&lookup), want(want), place(lookup.waiting.insert(lookup.waiting.end(), this)) {}
  Waiting(Waiting&&) = delete;
  ~Waiting() {
    if (lookup != nullptr) lookup->waiting.erase(place);
  }

  Lookup* lookup;  // null once the result is there
  Want want;
  std::list<Waiting*>::iterator place;
  Signal done;
  std::optional<Result<Addresses>> result;
};

void Resolver::Lookup::publish(const Result<Addresses>& result) {
  for (Waiting* const waiter : std::exchange(waiting, {})) {
    waiter->lookup = nullptr;
    waiter->result = result;
    waiter->done.set();
  }
}

void Resolver::Lookup::publish_early(Addresses known) {
  early = std::move(known);
  for (auto at = waiting.begin(); at != waiting.end();) {
    Waiting& waiter = **at;
    if (waiter.want == Want::kAll) {
      ++at;
      continue;
    }
    at = waiting.erase(at);
    waiter.lookup = nullptr;
    waiter.result = early;
    waiter.done.set();
  }
}

Resolver::Resolver(Key, Loop& loop, ResolverOptions options)
    : loop_(loop), options_(std::move(options)), cache_(options_.cache) {}

Resolver::~Resolver() = default;

Result<std::unique_ptr<Resolver>> Resolver::make(Loop& loop, ResolverOptions options) {
  auto made = std::make_unique<Resolver>(Key(), loop, std::move(options));
  const AresOptions ares{.servers = made->options_.servers,
                         .timeout = made->options_.timeout,
                         .tries = made->options_.tries,
                         .order = made->options_.order};
  for (std::size_t i = 0; i < kChannels && !ares.servers.empty(); ++i) {
    Result<std::unique_ptr<AresChannel>> channel = AresChannel::make(loop, ares);
    if (!channel) return fail(std::move(channel.error()));
    made->channels_.push_back(std::move(*channel));
  }
  return made;
}

Task<Result<Addresses>> Resolver::resolve(std::string_view host, Deadline deadline) {
  co_return co_await resolve(host, deadline, Want::kAll);
}

Task<Result<Addresses>> Resolver::resolve_first(std::string_view host, Deadline deadline) {
  co_return co_await resolve(host, deadline, Want::kFirst);
}

bool Resolver::is_asking(std::string_view host) const {
  return !lookups_.empty() && lookups_.contains(canonical_name(host));
}

Task<Addresses> Resolver::rest(std::string_view host, Deadline deadline) {
  const auto found = lookups_.find(canonical_name(host));
  if (found == lookups_.end()) co_return Addresses();
  Waiting waiting(*found->second, Want::kAll);
  const Wake wake = co_await waiting.done.wait(loop_, deadline);
  if (wake == Wake::kTimeout || !*waiting.result) co_return Addresses();
  co_return std::move(**waiting.result);
}

Task<Result<Addresses>> Resolver::resolve(std::string_view host, Deadline deadline, Want want) {
  if (const Result<IpAddress> literal = IpAddress::parse(host); literal)
    co_return Addresses{{.ip = *literal, .expires = Deadline::never()}};
  if (!is_host_name(host)) {
    constexpr std::size_t kShown = 64;
    Error error(Code::kBadSyntax, "not a host name: " + std::string(host.substr(0, kShown)));
    co_return counted(DnsSource::kHosts, fail(std::move(error).from(Side::kClient)));
  }
  const std::string name = canonical_name(host);
  if (std::optional<Result<Addresses>> here = answer_here(name); here) co_return std::move(*here);

  auto found = lookups_.find(name);
  const bool fresh = found == lookups_.end();
  if (fresh) {
    if (lookups_.size() >= options_.max_lookups) {
      ++counts_.overloads;
      co_return counted(DnsSource::kServer, fail(Code::kOverload, "too many names are being looked up"));
    }
    ++counts_.lookups;
    found = lookups_.emplace(name, std::make_unique<Lookup>(name)).first;
  } else {
    ++counts_.shared;
  }
  Lookup& lookup = *found->second;
  if (want == Want::kFirst && !lookup.early.empty()) co_return counted(DnsSource::kServer, lookup.early);
  Waiting waiting(lookup, want);
  if (fresh) tasks_.spawn([this, &lookup] { return run(lookup); });
  const Wake wake = co_await waiting.done.wait(loop_, deadline);
  if (wake == Wake::kTimeout)
    co_return counted(DnsSource::kServer, fail(dns_error(Code::kDnsTimeout, name + ": no answer in time")));
  co_return counted(DnsSource::kServer, std::move(*waiting.result));
}

// Answers that need no server: settings first, then the names that must never be asked for, then the cache.
std::optional<Result<Addresses>> Resolver::answer_here(const std::string& name) {
  if (const auto host = options_.hosts.find(name); host != options_.hosts.end() && !host->second.empty()) {
    Addresses addresses;
    for (const IpAddress& ip : host->second) addresses.push_back({.ip = ip, .expires = Deadline::never()});
    return counted(DnsSource::kHosts, std::move(addresses));
  }
  if (is_at_or_below(name, "localhost")) {  // RFC 6761 section 6.3
    constexpr std::array<std::uint8_t, IpAddress::kV6Bytes> kLoopback6 = {0, 0, 0, 0, 0, 0, 0, 0,
                                                                          0, 0, 0, 0, 0, 0, 0, 1};
    constexpr std::array<std::uint8_t, IpAddress::kV4Bytes> kLoopback4 = {127, 0, 0, 1};
    return counted(DnsSource::kHosts, Addresses{{.ip = IpAddress(kLoopback6), .expires = Deadline::never()},
                                                {.ip = IpAddress(kLoopback4), .expires = Deadline::never()}});
  }
  // RFC 6761 section 6.4, RFC 7686 section 2: to ask would tell others what nobody can answer
  if (is_at_or_below(name, "invalid") || is_at_or_below(name, "onion"))
    return counted(DnsSource::kHosts, fail(dns_error(Code::kDnsFailure, name + ": no such name")));
  if (const DnsCache::Entry* entry = cache_.find(name, loop_.now()); entry != nullptr) {
    if (entry->addresses.empty())
      return counted(DnsSource::kCache, fail(dns_error(Code::kDnsFailure, name + ": " + entry->reason)));
    return counted(DnsSource::kCache, entry->addresses);
  }
  if (channels_.empty())
    return counted(DnsSource::kServer, fail(dns_error(Code::kDnsFailure, name + ": no DNS server is configured")));
  return std::nullopt;
}

// Who was asked counts for answers, the kind of failure for failures.
Result<Addresses> Resolver::counted(DnsSource source, Result<Addresses> result) const {
  if (metrics_ == nullptr) return result;
  if (result) {
    metrics_->dns_answered(source);
  } else {
    metrics_->dns_failed(result.error().code());
  }
  return result;
}

AresChannel& Resolver::quietest() {
  return **std::ranges::min_element(channels_, {}, [](const auto& channel) { return channel->outstanding(); });
}

Task<> Resolver::run(Lookup& lookup) {
  AresChannel& channel = quietest();
  AresQuery v6(channel, lookup.name, dns::Type::kAaaa, lookup.progress);
  AresQuery v4(channel, lookup.name, dns::Type::kA, lookup.progress);
  std::optional<Deadline> patience;  // for AAAA, once A is there
  while (!v6.done() || !v4.done()) {
    if (lookup.early.empty() && has_addresses(v6)) lookup.publish_early(addresses_of(v6, v4));
    if (!patience && has_addresses(v4)) patience = loop_.in(kResolutionDelay);
    const bool impatient = patience && lookup.early.empty();
    const Wake wake = co_await lookup.progress.wait(loop_, impatient ? *patience : Deadline::never());
    lookup.progress.clear();
    if (wake == Wake::kTimeout) lookup.publish_early(addresses_of(v6, v4));
  }
  finish(lookup, v6, v4);
  const std::string name = lookup.name;
  lookups_.erase(name);
}

void Resolver::finish(Lookup& lookup, const AresQuery& v6, const AresQuery& v4) {
  using Kind = dns::Answer::Kind;
  Addresses addresses = addresses_of(v6, v4);
  if (!addresses.empty()) {
    cache_.put(lookup.name, addresses, loop_.now());
    lookup.publish(std::move(addresses));
    return;
  }
  ++counts_.failures;
  const bool no_name = says(v4, Kind::kNoName) || says(v6, Kind::kNoName);
  if (no_name || (says(v4, Kind::kNoData) && says(v6, Kind::kNoData))) {
    const std::string reason = no_name ? "no such name" : "the name has no address";
    const AresQuery& speaks = no_name && !says(v4, Kind::kNoName) ? v6 : v4;
    constexpr std::uint32_t kUnstated = 0x7fff'ffff;  // no SOA: as long as the settings allow
    const std::optional<std::uint32_t> ttl = speaks.answer()->negative_ttl;
    const std::chrono::seconds kept = std::chrono::seconds(ttl.value_or(kUnstated));
    cache_.put_negative(lookup.name, reason, kept, loop_.now());
    lookup.publish(fail(dns_error(Code::kDnsFailure, lookup.name + ": " + reason)));
    return;
  }
  const Error& error = v4.answer() ? v6.answer().error() : v4.answer().error();
  const Code code = error.code() == Code::kDnsTimeout ? Code::kDnsTimeout : Code::kDnsFailure;
  lookup.publish(fail(dns_error(code, lookup.name + ": " + error.what())));
}

Addresses Resolver::addresses_of(const AresQuery& v6, const AresQuery& v4) const {
  Addresses addresses;
  const std::array<const AresQuery*, 2> queries = {&v6, &v4};
  for (std::size_t i = 0; i < dns::kMaxAddresses; ++i) {
    for (const AresQuery* query : queries) {
      if (!has_addresses(*query) || i >= query->answer()->addresses.size()) continue;
      const dns::AddressRecord& record = query->answer()->addresses[i];
      addresses.push_back({.ip = record.ip, .expires = cache_.expiry(std::chrono::seconds(record.ttl), loop_.now())});
    }
  }
  return addresses;
}

}  // namespace sluice::worker
