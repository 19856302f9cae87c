// See from_settings.h.
#include "worker/offramp/from_settings.h"

#include <string>
#include <utility>

#include "base/net/host_name.h"

namespace sluice::worker {
namespace {

std::unexpected<Error> bad(const char* where, const Error& error) {
  return fail(Code::kBadConfig, std::string(where) + ": " + error.what());
}

}  // namespace

Result<ResolverOptions> resolver_options(const ipc::ResolverSettings& settings) {
  ResolverOptions options;
  for (const std::string& text : settings.servers) {
    if (const Result<IpAddress> ip = IpAddress::parse(text); ip) {
      options.servers.emplace_back(*ip, kDnsPort);
      continue;
    }
    const Result<SocketAddress> server = SocketAddress::parse(text);
    if (!server) return bad("resolver.servers", server.error());
    if (server->is_unix() || server->port() == 0) return fail(Code::kBadConfig, "resolver.servers: not IP and port");
    options.servers.push_back(*server);
  }
  options.order = settings.rotate ? ServerOrder::kRotating : ServerOrder::kAsWritten;
  options.timeout = settings.timeout;
  options.tries = static_cast<int>(settings.attempts);
  options.cache = {.names = settings.cache_entries,
                   .min_ttl = settings.min_ttl,
                   .max_ttl = settings.max_ttl,
                   .negative_ttl = settings.negative_ttl};
  for (const auto& [name, texts] : settings.hosts) {
    std::vector<IpAddress>& addresses = options.hosts[canonical_name(name)];
    for (const std::string& text : texts) {
      const Result<IpAddress> ip = IpAddress::parse(text);
      if (!ip) return bad("resolver.hosts", ip.error());
      addresses.push_back(*ip);
    }
  }
  return options;
}

Result<EgressRules> egress_rules(const ipc::EgressSettings& settings) {
  Result<Networks> deny = Networks::parse(settings.deny);
  if (!deny) return bad("egress.deny", deny.error());
  Result<Networks> allow = Networks::parse(settings.allow);
  if (!allow) return bad("egress.allow", allow.error());
  EgressRules rules;
  rules.deny = std::move(*deny);
  rules.allow = std::move(*allow);
  rules.private_ranges = settings.allow_private ? PrivateRanges::kAllowed : PrivateRanges::kRefused;
  return rules;
}

}  // namespace sluice::worker
