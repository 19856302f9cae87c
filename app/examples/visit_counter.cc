// visit_counter: tells every client how many requests its connection and its worker have seen, and still knows after an
// upgrade. Try: visit_counter -c my.yaml; curl -v http://127.0.0.1:8080/ http://127.0.0.1:8080/ shows Visits: 1,
// then 2.
#include <sluice/sluice.h>

#include <charconv>
#include <optional>

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
    std::uint64_t visits = 0;
  };
  struct Request {};
};

// Bytes may come from another version of this program.
std::optional<std::uint64_t> number_in(std::string_view bytes) {
  std::uint64_t number = 0;
  const char* const end = bytes.data() + bytes.size();
  const auto [read, error] = std::from_chars(bytes.data(), end, number);
  return error == std::errc() && read == end ? std::optional(number) : std::nullopt;
}

class Counter final : public sluice::HttpHook<Contexts> {
 public:
  explicit Counter(std::uint64_t& of_worker) : of_worker_(of_worker) {}

  sluice::Task<sluice::HttpDecision> on_request(sluice::HttpExchange<Contexts> exchange) override {
    ++exchange.connection().context().visits;
    ++of_worker_;
    co_return sluice::HttpDecision::forward();
  }
  void on_response(sluice::HttpExchange<Contexts> exchange, sluice::ResponseHead& head) override {
    // digits may always stand in a field
    static_cast<void>(head.fields().add("Visits", std::to_string(exchange.connection().context().visits)));
    static_cast<void>(head.fields().add("Visits-Of-Worker", std::to_string(of_worker_)));
  }

 private:
  std::uint64_t& of_worker_;
};

// What belongs to a connection goes along with it, when the old worker drains.
class Mover final : public sluice::HandOverHook<Contexts> {
 public:
  explicit Mover(const Settings& settings) : most_(settings.most_moved) {}

  sluice::HandOverDecision on_hand_over(sluice::IngressConnection<Contexts> connection,
                                        sluice::HandOverKind /*what*/) override {
    if (connection.context().visits > most_) return sluice::HandOverDecision::stay("too many visits");
    return sluice::HandOverDecision::go_with(std::to_string(connection.context().visits));
  }
  sluice::TakeOverDecision on_take_over(sluice::IngressConnection<Contexts> connection,
                                        std::string_view bytes) override {
    const std::optional<std::uint64_t> visits = number_in(bytes);
    if (!visits) return sluice::TakeOverDecision::refuse("no number of visits");
    connection.context().visits = *visits;
    return sluice::TakeOverDecision::accept();
  }

 private:
  std::uint32_t most_;
};

// What belongs to the worker goes to the next one, before that starts.
class Leaver final : public sluice::StateHook {
 public:
  explicit Leaver(std::uint64_t visits) : visits(visits) {}
  std::string on_save() override { return std::to_string(visits); }

  std::uint64_t visits;
};

sluice::Hooks<Contexts> start(const Settings& settings, std::span<const sluice::ParentState> parents) {
  std::uint64_t before = 0;
  for (const sluice::ParentState& parent : parents) before += number_in(parent.bytes).value_or(0);
  auto leaver = std::make_unique<Leaver>(before);
  sluice::Hooks<Contexts> hooks;
  hooks.http = std::make_unique<Counter>(leaver->visits);  // the hooks live and end together
  hooks.state = std::move(leaver);
  hooks.handover = std::make_unique<Mover>(settings);
  return hooks;
}

}  // namespace

int main(int argc, char** argv) {
  return sluice::run<Settings>(argc, argv, {"visit_counter", "1.0", "Counts the requests of a connection"}, start);
}
