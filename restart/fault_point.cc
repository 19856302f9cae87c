// See fault_point.h. Plain calls, without the loop: what a test asks for happens here and now.
#include "restart/fault_point.h"

#ifdef SLUICE_FAULT_POINTS
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "base/check.h"

namespace sluice::restart {
namespace {

std::string_view name_of(FaultPoint at) {
  const auto* const found = std::ranges::find(kFaultPoints, at, &FaultPointFacts::point);
  SLUICE_CHECK(found != kFaultPoints.end(), "a fault point without a name");
  return found->name;
}

// What the words say about this point; empty: nothing.
std::string action_in(const std::string& words, std::string_view name, std::uint64_t generation) {
  const std::string exact = std::string(name) + "@" + std::to_string(generation);
  std::istringstream in(words);
  for (std::string word; in >> word;) {
    const auto sign = word.find('=');
    if (sign == std::string::npos) continue;
    const std::string point = word.substr(0, sign);
    if (point == name || point == exact) return word.substr(sign + 1);
  }
  return {};
}

std::string words_now() {
  static const char* const told = std::getenv("SLUICE_FAULTS");      // NOLINT(concurrency-mt-unsafe)
  static const char* const file = std::getenv("SLUICE_FAULT_FILE");  // NOLINT(concurrency-mt-unsafe)
  std::string words = told != nullptr ? told : "";
  if (file != nullptr) {
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    words += " " + text.str();
  }
  return words;
}

}  // namespace

void fault_point(FaultPoint at, std::uint64_t generation) {
  const std::string_view name = name_of(at);
  const std::string action = action_in(words_now(), name, generation);
  if (action.empty()) return;
  (void)std::fprintf(stderr, "{\"event\":\"fault point\",\"point\":\"%s\",\"action\":\"%s\"}\n",
                     std::string(name).c_str(), action.c_str());
  (void)std::fflush(stderr);
  if (action == "kill") {
    // the first process of a namespace cannot kill itself, and a worker's filter does not let it try
    if (generation == 0) (void)::raise(SIGKILL);
    ::_exit(128 + SIGKILL);
  }
  if (action == "stop") {
    if (generation == 0) (void)::raise(SIGSTOP);
    while (generation != 0) (void)::poll(nullptr, 0, -1);
  }
  constexpr std::string_view kSleep = "sleep:";
  if (action.starts_with(kSleep)) {
    int milliseconds = 0;
    (void)std::from_chars(action.data() + kSleep.size(), action.data() + action.size(), milliseconds);
    (void)::poll(nullptr, 0, milliseconds);
  }
}

}  // namespace sluice::restart
#endif
