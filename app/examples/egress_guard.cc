// egress_guard: private networks are reachable only for clients whose CONNECT carries the pre-shared key.
// Try: egress_guard -c my.yaml; curl -p -x http://127.0.0.1:3128 --proxy-header "Proxy-Authorization: Bearer KEY"
// https://10.0.0.7/
#include <sluice/sluice.h>

namespace {

struct Settings {
  std::string key;

  static constexpr std::string_view about = "Who may reach private networks.";
  static constexpr void describe(auto& f) {
    f(&Settings::key, "key",
      "Sent by trusted clients as \"Proxy-Authorization: Bearer KEY\". Empty: nobody is trusted.")
        .secret();
  }
};

struct Contexts {
  struct Connection {};
  struct Request {
    bool has_key = false;
  };
};

class KeyReader final : public sluice::HttpHook<Contexts> {
 public:
  explicit KeyReader(const Settings& settings) : expected_("Bearer " + settings.key), enabled_(!settings.key.empty()) {}

  sluice::Task<sluice::HttpDecision> on_request(sluice::HttpExchange<Contexts> exchange) override {
    const auto given = exchange.request().fields().find(sluice::FieldId::kProxyAuthorization);
    exchange.context().has_key = enabled_ && given && same(*given, expected_);
    co_return sluice::HttpDecision::forward();
  }

 private:
  // takes as long for a near miss as for a far one
  static bool same(std::string_view a, std::string_view b) {
    unsigned difference = a.size() == b.size() ? 0 : 1;
    for (std::size_t i = 0; i < b.size(); ++i)
      difference |= static_cast<unsigned>(static_cast<unsigned char>(i < a.size() ? a[i] : '\0') ^
                                          static_cast<unsigned char>(b[i]));
    return difference == 0;
  }
  std::string expected_;
  bool enabled_;
};

class PrivateGuard final : public sluice::EgressHook<Contexts> {
  sluice::Task<sluice::EgressDecision> on_dial(sluice::EgressRequest<Contexts> request) override {
    if (request.exchange().context().has_key) co_return sluice::EgressDecision::allow();
    co_return sluice::EgressDecision::by_policy();  // which refuses private networks
  }
};

sluice::Hooks<Contexts> start(const Settings& settings) {
  sluice::Hooks<Contexts> hooks;
  hooks.http = std::make_unique<KeyReader>(settings);
  hooks.egress = std::make_unique<PrivateGuard>();
  return hooks;
}

}  // namespace

int main(int argc, char** argv) {
  return sluice::run<Settings>(argc, argv, {"egress_guard", "1.0", "Private networks by key only"}, start);
}
