// visit_counter: tells every client how many requests its connection has made, and still knows after an upgrade.
// Try: visit_counter -c my.yaml; curl -v http://127.0.0.1:8080/ http://127.0.0.1:8080/ shows Visits: 1, then Visits: 2.
#include <sluice/sluice.h>

#include <charconv>

namespace {

struct Settings {
  std::uint32_t most_moved = 1000;

  static constexpr std::string_view about = "Counting requests of a connection.";
  static constexpr void describe(auto& f) {
    f(&Settings::most_moved, "most_moved",
      "Connections with more requests than this stay with their worker at an upgrade.");
  }
};

struct Contexts {
  struct Connection {
    std::uint32_t visits = 0;
  };
  struct Request {};
};

class Counter final : public sluice::HttpHook<Contexts> {
  sluice::Task<sluice::HttpDecision> on_request(sluice::HttpExchange<Contexts> exchange) override {
    ++exchange.connection().context().visits;
    co_return sluice::HttpDecision::forward();
  }
  void on_response(sluice::HttpExchange<Contexts> exchange, sluice::ResponseHead& head) override {
    const auto added = head.fields().add("Visits", std::to_string(exchange.connection().context().visits));
    static_cast<void>(added);  // digits may always stand in a field
  }
};

class Mover final : public sluice::HandOverHook<Contexts> {
 public:
  explicit Mover(const Settings& settings) : most_(settings.most_moved) {}

  sluice::HandOverDecision on_hand_over(sluice::IngressConnection<Contexts> connection,
                                        sluice::HandOverKind /*what*/) override {
    if (connection.context().visits > most_) return sluice::HandOverDecision::stay("too many visits");
    return sluice::HandOverDecision::go_with(std::to_string(connection.context().visits));
  }
  // the bytes may come from another version of this program
  sluice::TakeOverDecision on_take_over(sluice::IngressConnection<Contexts> connection,
                                        std::string_view bytes) override {
    std::uint32_t& visits = connection.context().visits;
    const char* const end = bytes.data() + bytes.size();
    const auto [read, error] = std::from_chars(bytes.data(), end, visits);
    if (error != std::errc() || read != end) return sluice::TakeOverDecision::refuse("no number of visits");
    return sluice::TakeOverDecision::accept();
  }

 private:
  std::uint32_t most_;
};

sluice::Hooks<Contexts> start(const Settings& settings) {
  sluice::Hooks<Contexts> hooks;
  hooks.http = std::make_unique<Counter>();
  hooks.handover = std::make_unique<Mover>(settings);
  return hooks;
}

}  // namespace

int main(int argc, char** argv) {
  return sluice::run<Settings>(argc, argv, {"visit_counter", "1.0", "Counts the requests of a connection"}, start);
}
