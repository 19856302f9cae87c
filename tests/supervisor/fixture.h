// The program `sluice` with an application that does what each test's script says, run in a folder of its own.
#pragma once
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "ipc/control_client.h"

namespace sluice {
using nlohmann::json;

class SupervisorTest : public testing::Test {
 protected:
  SupervisorTest() {
    std::string name = testing::TempDir() + "supervisor_test.XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~SupervisorTest() override {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
  }

  // `script` for the one tenant, `more` for the configuration as a whole.
  void start(const std::string& script, const json& more = json::object()) {
    json config = {{"control", {{"path", folder_ + "/control.sock"}}},
                   {"admin", {{"enabled", false}}},
                   {"log", {{"file", folder_ + "/log"}, {"level", "debug"}}},
                   {"tenants",
                    {{{"name", "acme"},
                      {"settings", {{"script", script}}},
                      {"endpoints", {{{"name", "web"}, {"mode", "forward"}, {"listen", {"127.0.0.1:0"}}}}}}}}};
    config.merge_patch(more);
    config_ = std::move(config);
    write_config();
    pid_ = ::fork();
    if (pid_ == 0) {
      const int out = ::open((folder_ + "/stderr").c_str(), O_WRONLY | O_CREAT, 0600);
      ::dup2(out, STDERR_FILENO);
      ::execl(SLUICE_PROGRAM, "sluice", "-c", (folder_ + "/sluice.json").c_str(), "--application",
              SLUICE_SCRIPTED_APPLICATION, static_cast<char*>(nullptr));
      ::_exit(127);
    }
  }

  void write_config() const { std::ofstream(folder_ + "/sluice.json") << config_.dump(1); }

  static bool eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 1000; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }

  [[nodiscard]] std::vector<json> log(const std::string& event) const {
    std::ifstream in(folder_ + "/log");
    std::vector<json> found;
    for (std::string line; std::getline(in, line);) {
      json record = json::parse(line, nullptr, false);
      if (record.is_object() && record.value("event", "") == event) found.push_back(std::move(record));
    }
    return found;
  }
  json wait_for(const std::string& event, std::size_t count = 1) const {
    EXPECT_TRUE(eventually([&] { return log(event).size() >= count; })) << "no " << event;
    const std::vector<json> found = log(event);
    return found.size() < count ? json::object() : found[count - 1];
  }

  int exit_status() {
    int status = -1;
    EXPECT_TRUE(eventually([&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; })) << "it did not end";
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  [[nodiscard]] json ask(const json& request) const {
    Result<ipc::ControlClient> client = ipc::ControlClient::connect(folder_ + "/control.sock");
    if (!client) return {{"error", client.error().message()}};
    const Result<json> result =
        client->call(request, [](const json&) {}, Deadline(steady_now() + std::chrono::seconds(10)));
    return result ? *result : json({{"error", result.error().message()}});
  }

  std::string folder_;
  json config_;
  pid_t pid_ = 0;
};

}  // namespace sluice
