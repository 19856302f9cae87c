// The load of the restart scenarios: clients that ask, and count what became of every connection and request.
//
//   restart-load --mode keep --port 8080 --connections 500 [--rate N] [--think MS] …   (plan.h has them all)
//
// One thread, one epoll. A line "during" on standard input begins a new phase of the counts under that name; "stop" or
// the end of the input stops new requests, lets open ones end, prints the counts as JSON and ends.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <deque>
#include <memory>

#include "tests/restart/load/flow_client.h"
#include "tests/restart/load/http_client.h"
#include "tests/restart/load/tunnel_client.h"

namespace sluice::load {
namespace {

class Load {
 public:
  explicit Load(const Plan& plan) : plan_(plan) {
    world_.free = [this](Caller& client) { idle_.push_back(&client); };
    for (std::uint32_t i = 0; i < plan.connections; ++i) {
      if (plan.mode == Mode::kFlows || plan.mode == Mode::kShots)
        clients_.push_back(std::make_unique<FlowClient>(world_, i));
      else if (plan.mode == Mode::kConnect || plan.mode == Mode::kUpgrade)
        clients_.push_back(std::make_unique<TunnelClient>(world_, i));
      else
        clients_.push_back(std::make_unique<HttpClient>(world_, i));
    }
  }

  void run() {
    (void)::fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    start();
    Time asked_to_stop = Time::max();
    for (;;) {
      loop_.turn(std::chrono::milliseconds(plan_.mode == Mode::kChurn ? 1 : 5));
      if (!world_.stopping) {
        listen();
        churn();
        if (!world_.stopping) continue;
        asked_to_stop = Clock::now();
        for (const auto& client : clients_) client->stop();
      }
      if (all_quiet() || Clock::now() - asked_to_stop > plan_.timeout + std::chrono::seconds(2)) break;
    }
    std::puts(counts_.json().c_str());
  }

 private:
  // Kept connections come one after the other within half a second; a rate begins with nothing.
  void start() {
    if (plan_.mode == Mode::kChurn) {
      for (const auto& client : clients_) idle_.push_back(client.get());
      next_ = Clock::now();
      return;
    }
    constexpr std::chrono::microseconds kSpread{500'000};
    const Time now = Clock::now();
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      if (plan_.mode == Mode::kBurst)
        clients_[i]->start(now);
      else
        loop_.call_at(now + kSpread * i / clients_.size(), *clients_[i]);
    }
  }

  // At a rate a connection's time counts from when it was due, so a proxy that stalls cannot hide it.
  void churn() {
    if (plan_.mode != Mode::kChurn || world_.stopping) return;
    const Time now = Clock::now();
    while (!idle_.empty() && (plan_.rate == 0 || next_ <= now)) {
      Caller* client = idle_.front();
      idle_.pop_front();
      client->start(plan_.rate == 0 ? now : next_);
      if (plan_.rate != 0) next_ += std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 / plan_.rate));
    }
  }

  void listen() {
    char byte = 0;
    ssize_t got = 0;
    while ((got = ::read(STDIN_FILENO, &byte, 1)) == 1) {
      if (byte != '\n') {
        line_ += byte;
        continue;
      }
      if (line_ == "stop") world_.stopping = true;
      if (line_ != "stop") counts_.begin(line_);
      line_.clear();
    }
    if (got == 0) world_.stopping = true;
  }

  [[nodiscard]] bool all_quiet() const {
    for (const auto& client : clients_)
      if (!client->quiet()) return false;
    return true;
  }

  const Plan& plan_;
  Pattern pattern_;
  Loop loop_;
  Counts counts_;
  World world_{.plan = plan_, .pattern = pattern_, .loop = loop_, .counts = counts_, .stopping = false, .free = {}};
  std::vector<std::unique_ptr<Caller>> clients_;
  std::deque<Caller*> idle_;
  Time next_;
  std::string line_;
};

}  // namespace
}  // namespace sluice::load

int main(int argc, char** argv) {
  const auto plan = sluice::load::Plan::read({argv + 1, argv + argc});
  if (!plan) {
    (void)std::fprintf(stderr, "restart-load: %s\n", plan.error().c_str());
    return 2;
  }
  rlimit descriptors{};
  (void)::getrlimit(RLIMIT_NOFILE, &descriptors);
  descriptors.rlim_cur = descriptors.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &descriptors);
  sluice::load::Load(*plan).run();
  return 0;
}
