// What one field of the configuration cannot know: the rules between fields. Problems carry paths; places are found by
// path.
#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "base/ascii.h"
#include "base/net/cidr.h"
#include "base/settings/problems.h"
#include "ipc/settings/listen.h"
#include "ipc/settings/settings.h"

namespace sluice::ipc {
namespace {

using settings::Problems;

std::string at(const std::string& path, std::string_view name, std::size_t index) {
  return path + (path.empty() ? "" : ".") + std::string(name) + "[" + std::to_string(index) + "]";
}

// Where only this machine and its own network reach us; all addresses at once (0.0.0.0) are more than that.
bool is_private(const IpAddress& ip) {
  static const Result<Networks> kPrivate =
      Networks::parse({"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128",
                       "fc00::/7", "fe80::/10"});
  return kPrivate && kPrivate->contains(ip);
}

// Says it where a name, or another thing that must differ, comes a second time.
class Unique {
 public:
  explicit Unique(Problems& problems) : problems_(problems) {}
  void add(const std::string& path, const std::string& value) {
    const auto [known, is_new] = seen_.try_emplace(value, path);
    if (!is_new) problems_.add(path, "\"" + value + "\" is already used at " + known->second);
  }

 private:
  Problems& problems_;
  std::map<std::string, std::string> seen_;
};

class Validator {
 public:
  explicit Validator(Problems& problems) : problems_(problems), sockets_(problems) {}

  void settings(const Settings& settings);

 private:
  void tenant(const TenantSettings& tenant, const std::string& path);
  void endpoint(const EndpointSettings& endpoint, const std::set<std::string>& upstreams, const std::string& path);
  void datagrams(const EndpointSettings& endpoint, const std::string& path);
  void right_protocol(const EndpointSettings& endpoint, const std::string& path);
  void routes(const EndpointSettings& endpoint, const std::set<std::string>& upstreams, const std::string& path);
  void upstream(const UpstreamSettings& upstream, const std::string& path);
  void origin_tls(const UpstreamTlsSettings& tls, const std::string& path);
  void origin_http(const UpstreamSettings& upstream, const std::string& path);
  void client_tls(const EndpointTlsSettings& tls, const std::string& path);
  void listen(const std::vector<std::string>& addresses, const std::string& path, Protocol protocol);
  void off_ramp(const OffRampSettings& settings, const std::string& path) {
    if (settings.connect_timeout > settings.connect_total_timeout)
      problems_.add(path + ".connect_timeout", "is more than connect_total_timeout");
  }
  void required_name(const std::string& name, const std::string& path) {
    if (name.empty()) problems_.add(path, "has no name");
  }

  Problems& problems_;
  Unique sockets_;
};

void Validator::settings(const Settings& settings) {
  if (settings.tenants.empty())
    problems_.add("tenants", "there is no tenant, so there is nothing to do: write at least one");
  if (settings.admin.enabled) listen(settings.admin.listen, "admin.listen", Protocol::kTcp);
  if (settings.restart_policy.backoff_min > settings.restart_policy.backoff_max)
    problems_.add("restart_policy.backoff_min", "is more than backoff_max");
  Unique names(problems_);
  for (std::size_t i = 0; i < settings.tenants.size(); ++i) {
    const std::string path = at({}, "tenants", i);
    names.add(path + ".name", settings.tenants[i].name);
    tenant(settings.tenants[i], path);
  }
}

void Validator::tenant(const TenantSettings& tenant, const std::string& path) {
  if (tenant.name == "sluice" || tenant.name == "sluice-keyholder")
    problems_.add(path + ".name", "\"" + tenant.name + "\" is the name of sluice's own tenant");
  if (tenant.endpoints.empty()) problems_.add(path + ".endpoints", "the tenant has no endpoint: write at least one");
  std::set<std::string> known;
  Unique upstreams(problems_);
  for (std::size_t i = 0; i < tenant.upstreams.size(); ++i) {
    const std::string where = at(path, "upstreams", i);
    required_name(tenant.upstreams[i].name, where);
    upstreams.add(where + ".name", tenant.upstreams[i].name);
    upstream(tenant.upstreams[i], where);
    known.insert(tenant.upstreams[i].name);
  }
  off_ramp(tenant.forward, path + ".forward");
  Unique endpoints(problems_);
  for (std::size_t i = 0; i < tenant.endpoints.size(); ++i) {
    const std::string where = at(path, "endpoints", i);
    required_name(tenant.endpoints[i].name, where);
    endpoints.add(where + ".name", tenant.endpoints[i].name);
    endpoint(tenant.endpoints[i], known, where);
  }
  if (tenant.limits.connections >= tenant.limits.descriptors)
    problems_.add(path + ".limits.connections",
                  "is not less than limits.descriptors: each connection needs one, and its origin another");
  if (tenant.resolver.min_ttl > tenant.resolver.max_ttl)
    problems_.add(path + ".resolver.min_ttl", "is more than max_ttl");
}

void Validator::upstream(const UpstreamSettings& upstream, const std::string& path) {
  off_ramp(upstream.off_ramp, path);
  origin_tls(upstream.tls, path + ".tls");
  origin_http(upstream, path);
  if (upstream.servers.empty()) problems_.add(path + ".servers", "the upstream has no servers");
  Unique servers(problems_);
  for (std::size_t i = 0; i < upstream.servers.size(); ++i)
    servers.add(at(path, "servers", i), lower_case(upstream.servers[i]));
  std::size_t drained = 0;
  for (const auto& [server, options] : upstream.server_options) {
    if (options.state == ServerState::kDrain) ++drained;
    if (std::ranges::find(upstream.servers, server) != upstream.servers.end()) continue;
    const std::vector<std::string_view> names(upstream.servers.begin(), upstream.servers.end());
    const std::string_view meant = settings::nearest(server, names);
    problems_.add(path + ".server_options",
                  "\"" + server + "\" is not one of `servers`" +
                      (meant.empty() ? "" : "; did you mean \"" + std::string(meant) + "\"?"));
  }
  if (drained != 0 && drained == upstream.servers.size())
    problems_.add(path + ".server_options", "every server is drained, so nobody can be served");
  const PassiveHealthSettings& passive = upstream.health.passive;
  if (passive.ejection_time > passive.max_ejection_time)
    problems_.add(path + ".health.passive.ejection_time", "is more than max_ejection_time");
  if (!upstream.health.active.host.empty() && upstream.health.active.path.empty())
    problems_.add(path + ".health.active.host", "goes with a path");
  const bool by_name = upstream.hash.by == HashBy::kHeader || upstream.hash.by == HashBy::kCookie;
  if (by_name && upstream.hash.name.empty())
    problems_.add(path + ".hash.name", "is needed to hash by header or cookie");
}

void Validator::origin_tls(const UpstreamTlsSettings& tls, const std::string& path) {
  const auto both = [&](const std::string& file, const std::string& text, const std::string& name) {
    if (!file.empty() && !text.empty()) problems_.add(path, "has both " + name + "_file and " + name);
    return !file.empty() || !text.empty();
  };
  const bool ca = both(tls.ca_file, tls.ca, "ca");
  const bool crl = both(tls.crl_file, tls.crl, "crl");
  const bool certificate = both(tls.certificate_file, tls.certificate, "certificate");
  const bool key = both(tls.key_file, tls.key, "key");
  if (certificate != key) problems_.add(path, "a certificate and its key go together");
  if (tls.verify == VerifyOrigin::kPins && tls.pins.empty())
    problems_.add(path + ".pins", "there is no pin, so no server would be the right one");
  if (tls.verify == VerifyOrigin::kInsecure && !tls.pins.empty())
    problems_.add(path + ".verify", "is insecure, but there are `pins`: write \"verify: pins\"");
  if (tls.verify != VerifyOrigin::kCertificate && ca)
    problems_.add(path + ".verify", "is not \"certificate\", so the trusted certificates would do nothing");
  if (tls.verify != VerifyOrigin::kCertificate && crl)
    problems_.add(path + ".verify", "is not \"certificate\", so the lists of revoked ones would do nothing");
  if (!tls.enabled && tls != UpstreamTlsSettings())
    problems_.add(path + ".enabled", "is false, so everything else here would do nothing");
}

void Validator::origin_http(const UpstreamSettings& upstream, const std::string& path) {
  const UpstreamHttpSettings& http = upstream.http;
  if (!http.speaks(HttpVersion::kHttp2)) return;
  if (!upstream.tls.enabled && http.speaks(HttpVersion::kHttp1))
    problems_.add(path + ".http.versions", "has two versions, but without TLS a server cannot say which it speaks");
  if (upstream.send_proxy != SendProxy::kOff)
    problems_.add(path + ".send_proxy", "makes a connection one client's, but over HTTP/2 clients share connections");
}

void Validator::client_tls(const EndpointTlsSettings& tls, const std::string& path) {
  if (!tls.enabled && tls != EndpointTlsSettings())
    problems_.add(path + ".enabled", "is false, so everything else here would do nothing");
  if (tls.enabled && tls.certificates.empty())
    problems_.add(path + ".certificates", "there is no certificate, so no client could be served");
  for (std::size_t i = 0; i < tls.certificates.size(); ++i)
    if (tls.certificates[i].certificate_file.empty() == tls.certificates[i].certificate.empty())
      problems_.add(at(path, "certificates", i), "has not exactly one of certificate_file and certificate");
}

void Validator::endpoint(const EndpointSettings& endpoint, const std::set<std::string>& upstreams,
                         const std::string& path) {
  if (endpoint.listen.empty())
    problems_.add(path + ".listen", "the endpoint listens nowhere: write at least one address");
  listen(endpoint.listen, path + ".listen", endpoint.protocol);
  right_protocol(endpoint, path);
  if (endpoint.protocol == Protocol::kUdp) {
    datagrams(endpoint, path);
    return;
  }
  client_tls(endpoint.tls, path + ".tls");
  if (endpoint.http.request_line_limit > endpoint.http.head_limit)
    problems_.add(path + ".http.request_line_limit", "is more than head_limit");
  if (endpoint.proxy_auth.enabled && endpoint.mode != Mode::kForward)
    problems_.add(path + ".proxy_auth.enabled", "belongs to \"mode: forward\"; this endpoint is reverse");
  if (endpoint.proxy_auth.enabled && endpoint.proxy_auth.users.empty())
    problems_.add(path + ".proxy_auth.users", "there is no user, so nobody would be served");
  const bool all_unix =
      std::ranges::all_of(endpoint.listen, [](const std::string& text) { return text.starts_with("unix:"); });
  if (endpoint.proxy_protocol.enabled && endpoint.proxy_protocol.trusted.empty() && !all_unix)
    problems_.add(path + ".proxy_protocol", "trusts nobody, so every connection would be closed: write `trusted`");
  for (std::size_t i = 0; i < endpoint.error_pages.size(); ++i)
    if (endpoint.error_pages[i].file.empty() == endpoint.error_pages[i].text.empty())
      problems_.add(at(path, "error_pages", i), "has not exactly one of file and text");
  switch (endpoint.mode) {
    case Mode::kForward:
      if (!endpoint.routes.empty())
        problems_.add(path + ".routes", "routes belong to \"mode: reverse\"; this endpoint is forward");
      break;
    case Mode::kReverse:
      if (endpoint.routes.empty())
        problems_.add(path + ".routes", "an endpoint with \"mode: reverse\" needs at least one route");
      routes(endpoint, upstreams, path);
      break;
    case Mode::kEcho:
      problems_.add(path + ".mode", "echo belongs to \"protocol: udp\"; this endpoint is tcp");
      break;
  }
}

// A setting that would do nothing is a mistake.
void Validator::right_protocol(const EndpointSettings& endpoint, const std::string& path) {
  constexpr std::array<std::string_view, 4> kBoth = {"name", "listen", "protocol", "mode"};
  constexpr std::array<std::string_view, 2> kUdp = {"udp", "echo"};
  for (const std::string& said : said_in(endpoint)) {
    const std::string section = said.substr(0, said.find_first_of(".["));
    const bool for_udp = std::ranges::find(kUdp, section) != kUdp.end();
    const bool for_both = std::ranges::find(kBoth, section) != kBoth.end();
    if (for_both || for_udp == (endpoint.protocol == Protocol::kUdp)) continue;
    problems_.add(path + "." + said, for_udp ? "belongs to \"protocol: udp\"; this endpoint is tcp"
                                             : "belongs to \"protocol: tcp\"; this endpoint is udp");
  }
}

void Validator::datagrams(const EndpointSettings& endpoint, const std::string& path) {
  if (endpoint.mode != Mode::kEcho)
    problems_.add(path + ".mode", "an endpoint with \"protocol: udp\" has \"mode: echo\"");
  for (std::size_t i = 0; i < endpoint.listen.size(); ++i) {
    const Result<ListenAddress> listen = ListenAddress::parse(endpoint.listen[i]);
    if (!listen) continue;
    const std::string where = at(path, "listen", i);
    if (listen->address.is_unix()) {
      problems_.add(where, "UNIX sockets are for \"protocol: tcp\"; this endpoint is udp");
    } else if (!endpoint.echo.anybody && !is_private(listen->address.ip())) {
      problems_.add(where,
                    "an echo on an address that is not private reflects what anybody sends: say "
                    "\"echo: {anybody: true}\" if that is meant");
    }
  }
}

void Validator::routes(const EndpointSettings& endpoint, const std::set<std::string>& upstreams,
                       const std::string& path) {
  Unique matches(problems_);
  for (std::size_t i = 0; i < endpoint.routes.size(); ++i) {
    const RouteSettings& route = endpoint.routes[i];
    const std::string where = at(path, "routes", i);
    const int ways =
        (route.upstream.empty() ? 0 : 1) + (route.redirect.to.empty() ? 0 : 1) + (route.respond.status == 0 ? 0 : 1);
    if (ways != 1)
      problems_.add(where, ways == 0 ? "has none of upstream, redirect.to and respond.status"
                                     : "has more than one of upstream, redirect.to and respond.status");
    if (route.redirect.status > 303 && route.redirect.status < 307)
      problems_.add(where + ".redirect.status", "is not 301, 302, 303, 307 or 308");
    if (!route.upstream.empty() && !upstreams.contains(route.upstream)) {
      const std::vector<std::string_view> names(upstreams.begin(), upstreams.end());
      const std::string_view meant = settings::nearest(route.upstream, names);
      problems_.add(where + ".upstream", "the tenant has no upstream \"" + route.upstream + "\"" +
                                             (meant.empty() ? "" : "; did you mean \"" + std::string(meant) + "\"?"));
    }
    if (route.hosts.empty()) matches.add(where, "*" + route.path);
    for (const std::string& host : route.hosts) matches.add(where, lower_case(host) + route.path);
  }
}

void Validator::listen(const std::vector<std::string>& addresses, const std::string& path, Protocol protocol) {
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const Result<ListenAddress> parsed = ListenAddress::parse(addresses[i]);
    if (!parsed) continue;  // said by the field's own check
    const SocketAddress& address = parsed->address;
    if (address.is_ip() && address.port() == 0) continue;  // the kernel chooses, differently each time
    const std::string where = path + "[" + std::to_string(i) + "]";
    const std::string kind = protocol == Protocol::kUdp ? "udp " : "";
    sockets_.add(where, kind + address.text());
    // dual:[::]:80 takes 0.0.0.0:80 as well
    if (parsed->stack == ListenAddress::Stack::kDual)
      sockets_.add(where, kind + "0.0.0.0:" + std::to_string(address.port()));
  }
}

}  // namespace

void Settings::validate(Problems& problems) const {
  Validator(problems).settings(*this);
}

}  // namespace sluice::ipc
