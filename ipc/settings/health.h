// Settings of an upstream's health: which servers are left out for a while, and what is tried again.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/settings/describe.h"
#include "ipc/settings/checks.h"

namespace sluice::ipc {

using namespace std::chrono_literals;

struct PassiveHealthSettings {
  bool enabled = true;
  std::uint32_t failures = 5;
  std::vector<std::uint16_t> statuses;
  Milliseconds ejection_time = 10s;
  Milliseconds max_ejection_time = 5min;

  static constexpr std::string_view about =
      "Learning from the requests themselves: a server that fails again and again gets none for a while (is ejected). "
      "Failures are connections that cannot be made, die or stay silent. The only server is never ejected.";
  static constexpr void describe(auto& f) {
    using S = PassiveHealthSettings;
    f(&S::enabled, "enabled", "Eject servers.");
    f(&S::failures, "failures", "Failures in a row, without a success between them.").range(1, 10'000);
    f(&S::statuses, "statuses", "Statuses of responses that are failures too, such as 502.").range(400, 599);
    f(&S::ejection_time, "ejection_time", "How long a server is ejected the first time; doubles each time after that.")
        .range(100ms, 24h);
    f(&S::max_ejection_time, "max_ejection_time",
      "Longest ejection. A server that has been well for this long begins with ejection_time again.")
        .range(100ms, 24h);
  }
};
static_assert(settings::complete<PassiveHealthSettings>());

struct ActiveHealthSettings {
  bool enabled = false;
  std::string path;
  std::string host;
  std::vector<std::uint16_t> statuses;
  Milliseconds interval = 5s;
  Milliseconds timeout = 2s;
  std::uint32_t rise = 2;
  std::uint32_t fall = 3;

  static constexpr std::string_view about =
      "Asking the servers: each worker probes each server, from the start on. A server is taken for well until it has "
      "failed.";
  static constexpr void describe(auto& f) {
    using S = ActiveHealthSettings;
    f(&S::enabled, "enabled", "Probe the servers.");
    f(&S::path, "path", "Path to GET, such as \"/health\". Empty: a connection that can be made is enough.")
        .check(kProbePath);
    f(&S::host, "host", "Host of the probe. Empty: the server as it is written in `servers`.").check(kProbeHost);
    f(&S::statuses, "statuses", "Statuses that say the server is well; an empty list means 200 to 399.")
        .range(200, 599);
    f(&S::interval, "interval", "Time between two probes; up to a tenth of it more or less, so that they spread.")
        .range(100ms, 24h);
    f(&S::timeout, "timeout", "Time for one probe, connecting included.").range(10ms, 1h);
    f(&S::rise, "rise", "Probes in a row that must succeed before a server is taken for well again.").range(1, 1000);
    f(&S::fall, "fall", "Probes in a row that must fail before a server gets no more requests.").range(1, 1000);
  }
};
static_assert(settings::complete<ActiveHealthSettings>());

struct HealthSettings {
  PassiveHealthSettings passive;
  ActiveHealthSettings active;
  std::uint32_t panic_threshold = 50;
  Milliseconds slow_start = 0ms;

  static constexpr std::string_view about = "Which servers get requests. Each worker finds out for itself.";
  static constexpr void describe(auto& f) {
    using S = HealthSettings;
    f(&S::passive, "passive", "");
    f(&S::active, "active", "");
    f(&S::panic_threshold, "panic_threshold",
      "When less than this part of the servers (in percent) is well, health is not believed and all of them get "
      "requests: better slow answers than the last servers overrun.")
        .range(1, 100)
        .zero("never: with no server well, requests are answered with 503");
    f(&S::slow_start, "slow_start", "A server that is well again gets its full share only after this time.")
        .range(1s, 1h)
        .zero("at once");
  }
};
static_assert(settings::complete<HealthSettings>());

struct CircuitSettings {
  bool enabled = false;
  double failure_ratio = 0.5;
  std::uint32_t min_requests = 20;
  Milliseconds window = 10s;
  Milliseconds open_time = 5s;
  std::uint32_t trials = 3;
  bool operator==(const CircuitSettings&) const = default;

  static constexpr std::string_view about =
      "A circuit breaker: while an upstream as a whole fails, its requests are answered with 503 at once. Failures are "
      "those of health.passive.";
  static constexpr void describe(auto& f) {
    using S = CircuitSettings;
    f(&S::enabled, "enabled", "Break the circuit.");
    f(&S::failure_ratio, "failure_ratio", "Part of the requests in the window that must fail, 0.5 being half.")
        .range(0.01, 1.0);
    f(&S::min_requests, "min_requests", "Requests in the window without which nothing is concluded.")
        .range(1, 1'000'000);
    f(&S::window, "window", "How far back failures count.").range(1s, 1h);
    f(&S::open_time, "open_time", "How long the circuit stays open before requests are let through on trial.")
        .range(100ms, 1h);
    f(&S::trials, "trials", "Trials that must succeed to close the circuit; one that fails opens it again.")
        .range(1, 1000);
  }
};
static_assert(settings::complete<CircuitSettings>());

struct RetrySettings {
  std::uint32_t attempts = 3;
  std::vector<std::uint16_t> statuses;
  double budget = 0.2;
  std::uint32_t min_per_second = 10;
  bool operator==(const RetrySettings&) const = default;

  static constexpr std::string_view about =
      "Trying again, at another server where there is one. Only what is safe: a request of which nothing was sent; and "
      "without a body and idempotent, one whose reused connection died before the answer, or was answered with one of "
      "`statuses`.";
  static constexpr void describe(auto& f) {
    using S = RetrySettings;
    f(&S::attempts, "attempts", "Attempts for one request, the first one included.").range(1, 10);
    f(&S::statuses, "statuses", "Statuses after which an idempotent request is tried at another server, such as 503.")
        .range(400, 599);
    f(&S::budget, "budget",
      "Retries for each request, 0.2 being one for five, so that retries cannot finish off an upstream that is down.")
        .range(0.0, 1.0);
    f(&S::min_per_second, "min_per_second", "Retries a second that are allowed however few requests there are.")
        .range(1, 1'000'000)
        .zero("none");
  }
};
static_assert(settings::complete<RetrySettings>());

}  // namespace sluice::ipc
