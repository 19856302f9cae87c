// sluicectl: one request to a running sluice, the answer as text or JSON. Exit codes: 0 done, 1 the supervisor refused,
// failed or found problems, 2 usage, 3 nobody to talk to; `upgrade` and `diff` have codes of their own
// (docs/restart.md).
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <random>

#include "app/sluicectl/command.h"
#include "app/sluicectl/diff_text.h"
#include "app/sluicectl/text.h"
#include "app/sluicectl/upgrade_text.h"
#include "base/password.h"
#include "ipc/control_client.h"
#include "ipc/control_path.h"

namespace sluice::ctl {
namespace {
using nlohmann::json;

constexpr int kDone = 0;
constexpr int kRefused = 1;
constexpr int kNobody = 3;

int complain(const std::string& text) {
  (void)std::fprintf(stderr, "sluicectl: %s\n", text.c_str());
  return kRefused;
}

std::int64_t now_unix_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(wall_now().time_since_epoch()).count();
}

std::string human(const std::string& command, const json& result, const std::vector<json>& items) {
  if (command == "status") return status_text(result);
  if (command == "workers") return workers_text(result);
  if (command == "connections") return connections_text(items, now_unix_ms());
  if (command == "upstreams") return upstreams_text(items, now_unix_ms());
  if (command == "check") return check_text(result);
  if (command == "diff") return diff_text(result, items);
  if (command == "upgrade") return upgrade_text(result);
  if (command == "upgrades") return upgrades_text(result);
  if (command == "config") return result.value("settings", json()).dump(2) + "\n";
  if (command == "stop") return fmt::format("stopping ({})\n", result.value("how", "?"));
  if (command == "log-level") return result.value("level", "?") + "\n";
  return result.dump(2) + "\n";
}

// One object, also for commands that stream: {"connections":[…]}.
std::string machine(const std::string& command, json result, const std::vector<json>& items) {
  if (command == "connections" || command == "upstreams") result[command] = items;
  if (command == "diff") result["changes"] = items;
  return result.dump(2, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace) + "\n";
}

// The only command that needs nobody to talk to.
int print_password(const CommandLine& line) {
  std::string password;
  if (!std::getline(std::cin, password) || password.empty()) return complain("there is no password on standard input");
  constexpr int kSaltWords = 4;
  std::random_device random;
  std::string salt;
  for (int i = 0; i < kSaltWords; ++i) {
    const std::uint32_t word = random();
    salt.append(reinterpret_cast<const char*>(&word), sizeof(word));
  }
  const auto iterations = line.request.value("iterations", PasswordEntry::kUsualIterations);
  const std::string text = PasswordEntry::make(password, std::move(salt), iterations).text() + "\n";
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? kDone : kRefused;
}

int run(const CommandLine& line) {
  if (line.request.value("command", "") == "password") return print_password(line);
  const std::string path = line.socket.empty() ? ipc::default_control_path() : line.socket;
  Result<ipc::ControlClient> client = ipc::ControlClient::connect(path);
  if (!client) {
    (void)complain(client.error().message());
    return kNobody;
  }
  constexpr Millis kPatience{60'000};
  const std::string command = line.request.value("command", "");
  const bool upgrade = command == "upgrade";
  std::vector<json> items;
  const auto on_item = [&](const json& item) {
    items.push_back(item);
    if (!upgrade || line.json) return;
    (void)std::fputs(progress_text(item).c_str(), stdout);
    (void)std::fflush(stdout);
  };
  const Result<json> result =
      client->call(line.request, on_item, upgrade ? Deadline::never() : Deadline(steady_now() + kPatience));
  if (!result) return complain(result.error().message());
  const std::string text = line.json ? machine(command, *result, items) : human(command, *result, items);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) return kRefused;
  if (upgrade) return upgrade_exit_code(*result);
  if (command == "diff") return result->value("exit_code", kRefused);
  return command == "check" && !result->value("ok", false) ? kRefused : kDone;
}

}  // namespace
}  // namespace sluice::ctl

int main(int argc, char** argv) {
  const auto line = sluice::ctl::parse_command_line(argc, argv);
  return line ? sluice::ctl::run(*line) : line.error();
}
