// http_firewall: answers requests for blocked hosts and paths with 403; everything else goes on as configured.
// Try: http_firewall -c my.yaml; curl -x http://127.0.0.1:3128 http://ads.example/ answers "blocked by policy".
#include <sluice/sluice.h>

#include <algorithm>
#include <set>

namespace {

struct Settings {
  std::vector<std::string> blocked_hosts = {"ads.example"};
  std::vector<std::string> blocked_paths = {"/.git", "/wp-admin"};

  static constexpr std::string_view about = "What this firewall refuses.";
  static constexpr void describe(auto& f) {
    f(&Settings::blocked_hosts, "blocked_hosts", "Requests and tunnels to these hosts are answered with 403.");
    f(&Settings::blocked_paths, "blocked_paths", "Requests whose path begins with one of these are answered with 403.");
  }
};

class Firewall final : public sluice::HttpHook<> {
 public:
  explicit Firewall(const Settings& settings)
      : hosts_(settings.blocked_hosts.begin(), settings.blocked_hosts.end()), paths_(settings.blocked_paths) {}

  sluice::Task<sluice::HttpDecision> on_request(sluice::HttpExchange<> exchange) override {
    const std::string_view path = exchange.request().path();
    const bool bad_path = std::ranges::any_of(paths_, [&](const std::string& p) { return path.starts_with(p); });
    if (bad_path || hosts_.contains(lower(exchange.request().host())))
      co_return sluice::HttpDecision::respond(403, "blocked by policy\n");
    co_return sluice::HttpDecision::forward();
  }

 private:
  static std::string lower(std::string_view host) {
    std::string text(host);
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
  }
  std::set<std::string, std::less<>> hosts_;
  std::vector<std::string> paths_;
};

sluice::Hooks<> start(const Settings& settings) {
  sluice::Hooks<> hooks;
  hooks.http = std::make_unique<Firewall>(settings);
  return hooks;
}

}  // namespace

int main(int argc, char** argv) {
  return sluice::run<Settings>(argc, argv, {"http_firewall", "1.0", "Refuses hosts and paths"}, start);
}
